/** What the client needs of the browser, from the browser, except for what it was given instead. */

import { ChatKitError, toJson } from "./protocol.js"

/** @import { Environment, Json, Options } from "./types.js" */

/**
 * @param {Partial<Environment>} given
 * @returns {Environment}
 */
export function environment(given) {
  /** @type {Environment} */
  const browser = {
    WebSocket: globalThis.WebSocket,
    // Wrapped: the browser's own functions want to be called on their window.
    fetch: (input, init) => globalThis.fetch(input, init),
    setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    schedule: (run) => globalThis.queueMicrotask(run),
    random: () => Math.random(),
    // Monotonic: a clock that is set, by minutes or a day, changes nothing here.
    now: () => globalThis.performance.now(),
    date: () => Date.now(),
    isHidden: () => globalThis.document?.hidden ?? false,
    isOnline: () => globalThis.navigator?.onLine ?? true,
    // Of this tab alone, so that no other one sends the same. It throws where it is forbidden.
    storage: () => globalThis.sessionStorage ?? null,
    warn: (text) => console.warn(text),
    crypto: globalThis.crypto,
    window: typeof globalThis.addEventListener === "function" ? globalThis : null,
    base: globalThis.location?.href ?? "http://localhost/",
  }
  const names = /** @type {(keyof Environment)[]} */ (Object.keys(browser))
  const chosen = names.filter((name) => given[name] !== undefined)
  return {
    ...browser,
    ...Object.fromEntries(chosen.map((name) => [name, given[name]])),
  }
}

/**
 * @param {string} url of the mount, relative to the page
 * @param {string} base
 */
export function mountUrl(url, base) {
  return new URL(url.endsWith("/") ? url : `${url}/`, base)
}

/**
 * Older browsers take no relative address for a WebSocket.
 *
 * @param {URL} mount
 */
export function socketUrl(mount) {
  const url = new URL("ws/", mount)
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:"
  return url.href
}

/**
 * What the page tells of itself. A page that fails to does not keep its visitor from talking.
 *
 * @param {Options["page"]} page
 * @param {(error: ChatKitError) => void} report
 */
export function tellPage(page, report) {
  try {
    const told = typeof page === "function" ? page() : page
    return /** @type {{ [key: string]: Json }} */ (toJson(told))
  } catch (error) {
    report(new ChatKitError("page_failed", String(error)))
    return {}
  }
}
