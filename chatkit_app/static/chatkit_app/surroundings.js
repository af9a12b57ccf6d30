/** What a browser tells of its page and its network, in three words: away, back, awake. */

/**
 * @param {EventTarget | null} window
 * @param {object} listener
 * @param {() => void} listener.away the page is put away or frozen, perhaps for ever
 * @param {() => void} listener.back it is there again
 * @param {() => void} listener.awake timers may have slept, the network may be another one
 */
export function listen(window, { away, back, awake }) {
  // Some of these are told to the document: caught on their way down, they need not bubble.
  const on = (/** @type {string} */ type, /** @type {() => void} */ run) =>
    window?.addEventListener(type, run, { capture: true })
  on("pagehide", away)
  on("freeze", away)
  on("pageshow", back)
  on("resume", back)
  on("online", awake)
  on("offline", awake)
  on("visibilitychange", awake)
}
