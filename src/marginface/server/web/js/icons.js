// Icons of 24 × 24, drawn by strokes; each stands beside words that say the same.

import { s } from "./elements.js";

const PATHS = {
  look: "M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3M9 10v.5M15 10v.5M12 10.500v2.500h-1M9 16c1.800 1.200 4.200 1.200 6 0",
  compare: "M9 5H5a1 1 0 0 0-1 1v12a1 1 0 0 0 1 1h4M15 5h4a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1h-4M12 3v18M7 12h2M15 12h2",
  identify:
    "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM20 20l-4.800-4.800M8.500 9.500v.1M12.500 9.500v.1M8.500 12.600c1.200.8 2.800.8 4 0",
  people:
    "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3 20c0-3.300 2.700-5.500 6-5.500s6 2.200 6 5.500M16 4.300a3.500 3.500 0 0 1 0 6.400M18 14.900c1.900.9 3 2.700 3 5.100",
  jobs: "M4 6h10M4 12h16M4 18h7M18 4v4M18 16v4M16 18h4",
  health: "M3 12h4l2.500-6 4.500 12 2.500-6H21",
  training: "M4 4v16h16M7 8c2 6 5 8.500 13 9",
  evaluations: "M4 20h16M6.500 20v-6M12 20V5M17.500 20v-9.500M10.500 5h3M5 14h3M16 10.500h3",
  events: "M5 5h14M5 5v14h6M8.500 9h7M8.500 12.500h3.500M17 20.500a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM17 14.700v2l1.300 1",
  save: "M12 4v11M7.500 11l4.500 4.500 4.500-4.500M5 20h14",
  key: "M8 15.500a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 11.500h9M18 11.500v3.500M15 11.500v2.500",
  yes: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.300l2.800 2.800L16 9.500",
  no: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 9l6 6M15 9l-6 6",
  unsure:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.500 9.500a2.600 2.600 0 1 1 3.600 2.400c-.8.4-1.100.9-1.100 1.800M12 16.700v.1",
  warn: "M12 4L2.800 19.500h18.400zM12 10v4.500M12 17v.1",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.500M12 7.600v.1",
  photo:
    "M4 5h16a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM3 16l5-5 4.500 4.500L15 13l6 5.500M15.500 9v.1",
  camera:
    "M4 8h3.500L9 5.500h6L16.500 8H20a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zM12 16.500a3.300 3.300 0 1 0 0-6.600 3.300 3.300 0 0 0 0 6.600z",
  add: "M12 5v14M5 12h14",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.300l3.500 2",
};

/** Return an icon by name; it is hidden from screen readers. */
export function icon(name) {
  return s(
    "svg",
    {
      viewBox: "0 0 24 24",
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 1.8,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
      "aria-hidden": "true",
      focusable: "false",
    },
    s("path", { d: PATHS[name] }),
  );
}
