// Looking again from time to time, while a view is open and its tab is seen.

/** Call `look` every so many milliseconds until the signal ends; not while the tab is hidden. */
export async function while_(signal, every, look) {
  while (!signal.aborted) {
    await pause(every, signal);
    if (signal.aborted || document.hidden) continue;
    if ((await look()) === false) return;
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
