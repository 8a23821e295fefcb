// Numbers, rates and times in words.

const SMALL = 0.0000999; // below this share a percentage has too many zeros to be read
const WHOLE = new Intl.NumberFormat("en");

/** 1234 → "1,234". */
export function count(value) {
  return WHOLE.format(value);
}

/** count(2), "face" → "2 faces". */
export function many(value, one, more = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : more}`;
}

/** A similarity as it is shown everywhere: three digits, and a real minus. */
export function similarity(value) {
  return value === null || value === undefined ? "–" : value.toFixed(3).replace("-", "−");
}

/** A rate in words: 0.001 → "1 in 1,000". */
export function oneIn(rate) {
  const whole = 1 / rate;
  return `1 in ${count(whole < 100 ? Number(whole.toPrecision(2)) : Number(whole.toPrecision(3)))}`;
}

/** A share in percent: 0.0354 → "3.5 %"; a very small one as a power of ten: 0.00000073 → "7.3 × 10⁻⁷". */
export function percent(share, digits = 2) {
  if (share === null || share === undefined) return "–";
  if (share === 0) return "0 %";
  if (share >= SMALL) return `${Number((100 * share).toPrecision(digits))} %`;
  const [value, power] = share.toExponential(digits - 1).split("e");
  const raised = `10${superscript(Number(power))}`;
  return Number(value) === 1 ? raised : `${Number(value)} × ${raised}`;
}

/** Digits as they stand above the line: −7 → "⁻⁷". */
export function superscript(number) {
  return [...String(number)].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])).join("");
}

/** Bytes in the unit that fits. */
export function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return power === 0 ? `${count(value)} bytes` : `${(value / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** A moment, by the clock of this machine. */
export function moment(text) {
  if (!text) return "–";
  const time = new Date(text);
  return time.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/** A day: "2030-01-31" → "31 Jan 2030". */
export function day(text) {
  if (!text) return "–";
  return new Date(`${text.slice(0, 10)}T00:00:00`).toLocaleDateString("en-GB", { dateStyle: "medium" });
}

/** Seconds in the largest unit that fits: 7200 → "2 h". */
export function age(seconds) {
  for (const [unit, size] of [
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
  ]) {
    if (seconds >= size) return `${Math.round(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.round(seconds))} s`;
}

/** A name of a program in words: "head_pose_yaw" → "Head pose yaw". */
export function readable(name) {
  const text = name.replaceAll("_", " ").replaceAll("-", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
