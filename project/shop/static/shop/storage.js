// JSON in the browser's storage. Where that is blocked or full, a tool's call fails with the reason.

/**
 * @template T
 * @param {string} key
 * @param {(value: unknown) => value is T} isSound others may have written there
 * @param {T} otherwise
 * @returns {T}
 */
export function read(key, isSound, otherwise) {
  try {
    const value = JSON.parse(localStorage.getItem(key) ?? "null")
    return isSound(value) ? value : otherwise
  } catch {
    return otherwise
  }
}

/**
 * @param {string} key
 * @param {unknown} value
 */
export function write(key, value) {
  localStorage.setItem(key, JSON.stringify(value))
}
