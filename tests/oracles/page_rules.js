// What can be computed on a page, for page_rules.py: an object of functions.
({
  contrast() {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
    const ground = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) {
        const color = rgba(getComputedStyle(at).backgroundColor);
        layers.push(color);
        if (color[3] === 1) break;
      }
      return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
    };
    const light = (rgb) => {
      const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const poor = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const element = node.parentElement;
      const text = node.textContent.trim();
      if (!text || !element.checkVisibility() || element.closest(".unseen, .skip, option, noscript, .tag")) continue;
      const style = getComputedStyle(element);
      const size = parseFloat(style.fontSize);
      const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
      const color = element.closest("svg") ? style.fill : style.color;
      const under = ground(element);
      const ink = over(rgba(color), under);
      const [high, low] = [light(ink), light(under)].sort((one, other) => other - one);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < needed) poor.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)} of ${needed}, ${color} on ${under}`);
    }
    return poor;
  },
  headings() {
    const shown = [...document.querySelectorAll("h1,h2,h3,h4")].filter((heading) => heading.checkVisibility());
    return shown.map((heading) => Number(heading.tagName[1]));
  },
  wide() {
    const beyond = [...document.querySelectorAll("main *, header *")].filter((one) => {
      const place = one.getBoundingClientRect();
      return place.width && place.right > innerWidth + 1 && !one.closest(".table-place, .tag, pre, svg, .unseen");
    });
    return beyond.map((one) => `${one.tagName}.${one.className}`).slice(0, 5);
  },
  spilling() {
    const cells = [...document.querySelectorAll("td, th")].filter((cell) => cell.checkVisibility());
    const wide = cells.filter((cell) => {
      const place = getComputedStyle(cell).display === "table-cell" ? cell : cell.parentElement; // or a row of its own
      const edge = place.getBoundingClientRect().right + 1;
      return [...cell.querySelectorAll("*")].some((one) => one.getBoundingClientRect().right > edge);
    });
    const strays = cells.filter((cell) => cell.matches(".rows td[data-label]") && cell.childNodes.length > 1);
    return [...new Set([...wide, ...strays])].map((cell) => cell.textContent.trim().slice(0, 40)).slice(0, 5);
  },
  small() {
    const fingers = "button, a.button, nav.menu a, input:not([type=checkbox]):not([type=radio]), select";
    const low = [...document.querySelectorAll(fingers)].filter(
      (one) => one.checkVisibility() && one.getBoundingClientRect().height < 40,
    );
    return low.map((one) => `${one.textContent.trim().slice(0, 30)}: ${one.getBoundingClientRect().height}`);
  },
  focused() {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    const style = getComputedStyle(one);
    const words = one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent;
    return {
      name: words.trim().slice(0, 40),
      outlined: one.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      there: one.getBoundingClientRect().width > 0,
    };
  },
});
