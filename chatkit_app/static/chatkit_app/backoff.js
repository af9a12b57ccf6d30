/** How long to wait before the next attempt: pure functions of the attempt and of chance. */

const BASE_MS = 500
const MAX_MS = 30_000

/** A server that restarts says so; its clients come back at once, but not all in one instant. */
const RESTART_JITTER_MS = 1_000

/**
 * Exponential back-off with full jitter.
 *
 * @param {number} attempt 0 for the first one
 * @param {() => number} random from 0 up to 1
 * @returns {number} milliseconds, at most thirty seconds
 */
export function backoffMs(attempt, random) {
  // The exponent has a ceiling, or a page open for days would overflow it into Infinity.
  return random() * Math.min(MAX_MS, BASE_MS * 2 ** Math.min(attempt, 16))
}

/**
 * @param {() => number} random from 0 up to 1
 * @returns {number} milliseconds
 */
export function restartMs(random) {
  return random() * RESTART_JITTER_MS
}
