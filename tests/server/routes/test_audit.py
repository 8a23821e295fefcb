"""The audit over HTTP."""

from __future__ import annotations

from oracles.served import MakeKey
from oracles.staff import Staff


def test_the_audit_is_read_page_by_page_the_newest_first(staff: Staff) -> None:
    seen, cursor = [], ""
    while True:
        page = staff.client.get(f"/v1/audit?limit=3{cursor}").json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
        staff.client.post("/v1/collections", json={"name": f"more {len(seen)}"})  # newer entries move no page
    numbers = [entry["seq"] for entry in seen]
    assert numbers == list(range(numbers[0], 0, -1))
    assert {"create-collection", "add-person", "add-faces"} <= {entry["action"] for entry in seen}
    assert "Ann" not in str(seen)


def test_the_chain_is_checked(staff: Staff) -> None:
    head = staff.client.get("/v1/audit?limit=1").json()["items"][0]["hash"]
    assert staff.client.get(f"/v1/audit/check?head={head}").json()["ok"]
    lost = staff.client.get(f"/v1/audit/check?head={'0' * 64}").json()
    assert not lost["ok"]
    assert "no entry has the hash" in lost["findings"][0]
    assert staff.client.get("/v1/audit/check?head=x").status_code == 422


def test_a_key_for_one_collection_does_not_read_the_audit_of_all(staff: Staff, make_key: MakeKey) -> None:
    for path in ("/v1/audit", "/v1/audit/check"):
        assert staff.client.get(path, headers=make_key("audit", "staff")).status_code == 403
        assert staff.client.get(path, headers=make_key("audit")).status_code == 200
