// The thresholds that decide, by false-match rate: GET /v1/calibration.

import { call } from "./service.js";

/** Return { model, contract, data, impostorPairs, rungs } with the laxest rung first. */
export async function calibration(signal) {
  const answer = await call("GET", "/v1/calibration", { signal });
  const rungs = answer.thresholds.map(rungOf).toSorted((one, other) => other.fmr - one.fmr);
  return {
    model: answer.model,
    contract: answer.contract,
    data: answer.data,
    impostorPairs: answer.thresholds[0]?.impostor_pairs ?? 0,
    rungs,
  };
}

function rungOf({ similarity, fmr, fmr_bounds: matches, fnmr, fnmr_bounds: nonMatches }) {
  return {
    similarity,
    fmr,
    fmr_low: matches?.[0] ?? null,
    fmr_high: matches?.[1] ?? null,
    fnmr,
    fnmr_low: nonMatches?.[0] ?? null,
    fnmr_high: nonMatches?.[1] ?? null,
  };
}
