"""What of README.md and docs/ no test runs as it stands, page by page, with why and with what stands in for it.

``Walk`` leaves these lines out; test_every_block checks that each is on its page, and that what stands in is there.
"""

from __future__ import annotations

INSTALL = "installs: `make package` installs the wheel in an empty environment, and tests/test_package.py reads extras"
SERVE = "goes on until it is told to stop: "
SETS = "data sets that are not free: "

EVERYWHERE = {
    "pip ": INSTALL,
    "make ": "tests/docs/test_readme.py is part of `make test`; .ci/run calls it, and `make check`",
}
# page below the root → beginning of a command, or of another block → why
PAGES: dict[str, dict[str, str]] = {
    "README.md": {
        "python3 -m venv": INSTALL,
        ".venv/bin/marginface demo": "three minutes: tests/test_demo.py runs it smaller",
        "marginface serve": f"{SERVE}tests/docs/test_readme.py starts it on a free port",
        "import os": "asks that service: tests/docs/test_readme.py runs it",
    },
    "docs/how-to/come-from-compreface.md": {
        "marginface gallery import-from": "a dump of CompreFace: tests/enrolment/test_imports.py writes and reads one",
        "marginface serve": f"{SERVE}tests/server/compreface/test_compreface.py asks every path of it",
        '{"result"': "an answer: tests/server/compreface/test_compreface.py compares its fields",
    },
    "docs/how-to/come-from-other-systems.md": {
        "marginface gallery import-from": "files of others: tests/enrolment/test_imports.py writes and reads each kind",
        "from marginface import Gallery": "needs a collection of such vectors: tests/docs/test_enrol_and_identify.py",
    },
    "docs/how-to/deploy.md": {
        "sudo ": "changes the machine: tests/deploy/test_unit.py gives the unit to systemd-analyze",
        "deploy/secrets.sh": "tests/deploy/test_compose.py runs it in a folder of its own",
        "docker ": "no Docker here: tests/deploy/test_compose.py and tests/deploy/test_image.py read its files",
        "marginface serve": f"{SERVE}tests/server/running/test_tls.py starts one with a certificate",
        "export MARG": "tests/docs/test_gallery.py exports an archive with a passphrase",
        "marginface gallery export": "tests/docs/test_gallery.py exports an archive with a passphrase",
        "[Service]": "tests/deploy/test_unit.py has the unit, tests/docs/test_serve.py checks the options",
        "limit_conn_zone": "a configuration of nginx: what it relies on is in tests/server/running/test_connections.py",
    },
    "docs/how-to/evaluate.md": {
        "marginface evaluate": f"{SETS}parsed in tests/docs/test_evaluate.py, run by tests/cli/test_protocols.py",
        "marginface train": "tests/training/measuring/test_closed_set.py trains with evaluation.closed_set",
    },
    "docs/how-to/export.md": {
        "marginface verify": "its network knows nobody: tests/cli/test_train_and_export.py asks one"
    },
    "docs/how-to/fine-tune.md": {
        "marginface align": "tests/cli/test_commands.py aligns a tree",
        "cp ": "tests/docs/test_fine_tune.py reads the recipe",
        "marginface train": "minutes: tests/training/learning/test_start.py goes on from weights, with parts frozen",
        "marginface export": "tests/docs/test_export.py exports",
        "marginface verify": "tests/cli/test_train_and_export.py asks an exported model",
        "marginface evaluate": "tests/cli/test_evaluate.py compares two files of scores",
        "marginface weights convert": "tests/adopt/test_command.py converts weights of each family",
    },
    "docs/how-to/http-api.md": {"marginface serve": f"{SERVE}tests/docs/test_http_api.py starts it"},
    "docs/how-to/install.md": {
        "python3 -m venv": INSTALL,
        "marginface doctor": "tests/test_doctor.py",
        "marginface --install-completion": "the shell's files: tests/test_package.py completes in three shells",
        "marginface --show-completion": "tests/test_package.py completes in three shells",
    },
    "docs/how-to/jobs.md": {"marginface serve": f"{SERVE}tests/docs/test_jobs.py starts it"},
    "docs/how-to/log-and-confirm.md": {
        "marginface serve": f"{SERVE}tests/server/web/test_second_word.py asks one with these options",
    },
    "docs/how-to/look-at-runs.md": {
        "tensorboard": f"{SERVE}tests/training/loop/test_live_curves.py reads what it would show",
    },
    "docs/how-to/openvino.md": {"marginface doctor": "tests/test_doctor.py runs each engine"},
    "docs/how-to/prepare-millions-of-photos.md": {"export AWS_": "tests/batch/test_page.py has a store of its own"},
    "docs/how-to/search-at-scale.md": {
        "OMP_NUM_THREADS=1 python benchmarks/search.py": "minutes: its engines are those of tests/cli/test_engines.py",
        "export MARGINFACE_QDRANT": "a key of the reader: tests/gallery/search/test_vector_servers.py",
    },
    "docs/how-to/serve.md": {
        "marginface serve": f"{SERVE}tests/server/running/test_serving.py and tests/server/test_workers.py start it",
        "marginface keys revoke": "an id of the reader: tests/docs/test_serve.py revokes one",
    },
    "docs/how-to/train-a-paper.md": {
        "marginface train": f"{SETS}parsed in tests/docs/test_train_a_paper.py; tests/training/test_dry_run.py",
    },
    "docs/how-to/train-on-many-processes.md": {
        "torchrun": "two machines: tests/docs/test_train_on_many_processes.py starts it on one",
    },
    "docs/how-to/video.md": {
        "marginface identify 0": "a camera: tests/video/test_sources.py",
        "marginface identify rtsp": "a camera: tests/video/test_sources.py",
    },
    "docs/how-to/web-page.md": {
        "marginface serve": f"{SERVE}tests/docs/test_web_page.py starts it",
        "marginface evaluate": "sets of photos: tests/server/web/test_work.py shows what it writes",
        "marginface compare": "minutes of training: tests/server/web/test_work.py shows what it writes",
        "marginface calibrate": "photos of people: tests/server/web/test_work.py shows what it writes",
        "marginface data audit": "crops of people: tests/server/web/test_work.py shows what it writes",
    },
    "docs/tutorial/first-recognizer.md": {
        "marginface verify": "its network knows nobody: tests/docs/test_tutorials.py asks it for an answer of any kind",
    },
    "docs/tutorial/to-a-service.md": {
        "marginface serve": f"{SERVE}tests/docs/test_to_a_service.py starts it",
        "curl": "asks that service: tests/docs/test_to_a_service.py does",
        "import os": "asks that service: tests/docs/test_to_a_service.py runs it",
    },
    "docs/tutorial/your-photos.md": {"marginface doctor": "tests/test_doctor.py"},
}


def reasons(page: str) -> dict[str, str]:
    """Return the beginnings of what is not run of a page, each with why; ``page`` is a path below the root."""
    return {**EVERYWHERE, **PAGES.get(page, {})}
