// Where a tool call stands, in words: a pure function of the part and of what this page knows.

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").ToolCallPart} ToolCallPart */
/** @typedef {import("./types.js").ToolResultPart} ToolResultPart */

/**
 * @typedef {object} ToolPhase
 * @property {string} words the name of a text in the table of words
 * @property {"busy" | "waiting" | "attention" | "done" | "failed" | "cancelled"} tone
 */

/** @type {ToolPhase} */
const DONE = Object.freeze({ words: "toolDone", tone: "done" })
/** @type {ToolPhase} */
const FAILED = Object.freeze({ words: "toolFailed", tone: "failed" })
/** @type {Readonly<Record<string, ToolPhase>>} */
const SETTLED = Object.freeze({
  completed: DONE,
  failed: FAILED,
  cancelled: { words: "toolCancelled", tone: "cancelled" },
})

/**
 * @param {ToolCallPart} part
 * @param {{ result: ToolResultPart | null, hasHandler: boolean, tab: string | null }} page
 *   `hasHandler`: this page can run it; `tab`: this page's own id
 * @returns {ToolPhase}
 */
export function toolPhase(part, { result, hasHandler, tab }) {
  const settled = SETTLED[part.status]
  if (settled) return settled
  if (result) return result.state === "error" ? FAILED : DONE
  if (part.state === "awaiting-input")
    return { words: "toolAwaitingInput", tone: "busy" }
  if (part.state === "input-streaming")
    return { words: "toolReadingInput", tone: "busy" }
  if (part.status === "queued") return { words: "toolQueued", tone: "busy" }
  if (part.status === "waiting" && part.executor === "client") {
    return waitingPhase(part, hasHandler, tab)
  }
  return { words: "toolRunning", tone: "busy" }
}

/**
 * @param {ToolCallPart} part
 * @param {boolean} hasHandler
 * @param {string | null} tab
 * @returns {ToolPhase}
 */
function waitingPhase(part, hasHandler, tab) {
  if (part.claimedBy && part.claimedBy === tab)
    return { words: "toolHere", tone: "busy" }
  if (part.claimedBy) return { words: "toolElsewhere", tone: "waiting" }
  if (hasHandler) return { words: "toolWaiting", tone: "waiting" }
  return { words: "toolNoHandler", tone: "attention" }
}

/**
 * A tool's name as people read it: `order_status` → `Order status`.
 *
 * @param {string} name
 */
export function toolTitle(name) {
  const text = name.replace(/[_-]+/g, " ").trim()
  return text ? text.charAt(0).toUpperCase() + text.slice(1) : name
}

/**
 * JSON as people read it; text that is none (or not yet) stays as it is.
 *
 * @param {unknown} value a value, or the text of one
 */
export function prettyJson(value) {
  if (typeof value !== "string") return JSON.stringify(value, null, 2) ?? ""
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    return value
  }
}

/**
 * @param {Message} message
 * @param {string} toolCallId
 * @returns {ToolResultPart | null}
 */
export function resultOf(message, toolCallId) {
  for (const part of message.parts) {
    if (part.type === "tool-result" && part.toolCallId === toolCallId) return part
  }
  return null
}

const OPEN_STATUSES = Object.freeze(["streaming", "queued", "running", "waiting"])

/** @param {Part} part */
export function isOpenCall(part) {
  return part.type === "tool-call" && OPEN_STATUSES.includes(part.status)
}
