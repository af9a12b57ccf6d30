/** Messages and parts that are changed by making new ones; what did not change stays identical. */

/**
 * @import { Json, Message, Part, ToolCallPart } from "./types.js"
 * @import { ThreadState } from "./store.js"
 */

/**
 * @param {ThreadState} state
 * @param {string} messageId
 * @param {Part} part
 */
export function addPart(state, messageId, part) {
  return changeMessage(state, messageId, (message) => ({
    ...message,
    parts: [...message.parts, part].sort((one, other) => one.index - other.index),
  }))
}

/**
 * @param {ThreadState} state
 * @param {string} messageId
 * @param {(message: Message) => Message} change
 * @returns {ThreadState}
 */
export function changeMessage(state, messageId, change) {
  const messages = state.messages.map((message) =>
    message.id === messageId ? change(message) : message,
  )
  return { ...state, messages }
}

/**
 * @param {ThreadState} state
 * @param {string} toolCallId
 * @param {(part: ToolCallPart) => ToolCallPart} change
 */
export function changeCall(state, toolCallId, change) {
  const parts = state.messages.flatMap((message) => message.parts)
  const call = parts.find((part) => part.type === "tool-call" && part.id === toolCallId)
  if (!call) return null
  return changePart(state, call.partId, (part) =>
    part.type === "tool-call" ? change(part) : null,
  )
}

/**
 * The newest message is asked first: that is where parts change.
 *
 * @param {ThreadState} state
 * @param {string} partId
 * @param {(part: Part) => Part | null} change
 * @returns {ThreadState | null}
 */
export function changePart(state, partId, change) {
  for (let at = state.messages.length - 1; at >= 0; at -= 1) {
    const message = /** @type {Message} */ (state.messages[at])
    const place = message.parts.findIndex((part) => part.partId === partId)
    const before = message.parts[place]
    if (!before) continue
    const part = change(before)
    if (part === null) return null
    if (part === before) return state
    const parts = message.parts.slice()
    parts[place] = part
    const messages = state.messages.slice()
    messages[at] = { ...message, parts }
    return { ...state, messages }
  }
  return null
}

/**
 * @param {readonly Message[]} messages
 * @param {string} stepId whose parts go
 * @returns {readonly Message[]}
 */
export function withoutStep(messages, stepId) {
  const isOf = (/** @type {Part} */ part) => part.stepId === stepId
  if (!messages.some(({ parts }) => parts.some(isOf))) return messages
  return messages.map((message) =>
    message.parts.some(isOf)
      ? { ...message, parts: message.parts.filter((part) => !isOf(part)) }
      : message,
  )
}

/**
 * Is it the same JSON? A missing value and an undefined one are the same.
 *
 * @param {unknown} one
 * @param {unknown} other
 * @returns {boolean}
 */
export function isSame(one, other) {
  if (one === other) return true
  if (typeof one !== "object" || typeof other !== "object") return false
  if (one === null || other === null || Array.isArray(one) !== Array.isArray(other))
    return false
  const left = /** @type {Record<string, unknown>} */ (one)
  const right = /** @type {Record<string, unknown>} */ (other)
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    isSame(left[key], right[key]),
  )
}
