// Where a tool call stands, in words: a pure function of the part and of what this page knows.

/** @typedef {import("./types.js").Approval} Approval */
/** @typedef {import("./types.js").Interrupt} Interrupt */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").ToolCallPart} ToolCallPart */
/** @typedef {import("./types.js").ToolResultPart} ToolResultPart */

/**
 * @typedef {object} ToolPhase
 * @property {string} words the name of a text in the table of words
 * @property {"busy" | "waiting" | "attention" | "done" | "failed" | "cancelled"} tone
 * @property {string} [hint] the name of a sentence that says more
 *
 * @typedef {object} PageOfCall
 * @property {ToolResultPart | null} result
 * @property {boolean} hasHandler this page can run it
 * @property {string | null} tab this page's own id
 * @property {boolean} [isResolving] an answer to what it asks is on its way
 */

/** @type {ToolPhase} */
const DONE = Object.freeze({ words: "toolDone", tone: "done" })
/** @type {ToolPhase} */
const FAILED = Object.freeze({ words: "toolFailed", tone: "failed" })
/** @type {ToolPhase} */
const CANCELLED = Object.freeze({ words: "toolCancelled", tone: "cancelled" })
/** @type {ToolPhase} */
const EXPIRED = Object.freeze({
  words: "toolExpired",
  tone: "attention",
  hint: "toolExpiredHint",
})
/** @type {ToolPhase} */
const OUT_OF_TIME = Object.freeze({ words: "toolOutOfTime", tone: "failed" })
/** @type {Readonly<Record<string, ToolPhase>>} */
const SETTLED = Object.freeze({
  completed: DONE,
  failed: FAILED,
  cancelled: CANCELLED,
})

/** Ends that have words of their own, by the code of the error. @type {Readonly<Record<string, ToolPhase>>} */
const ENDS = Object.freeze({
  denied: { words: "toolDenied", tone: "cancelled" },
  answered_instead: { words: "toolAnswered", tone: "cancelled" },
  approval_expired: EXPIRED,
  question_expired: EXPIRED,
  superseded: {
    words: "toolSuperseded",
    tone: "cancelled",
    hint: "toolSupersededHint",
  },
  cancelled: CANCELLED,
  deadline: OUT_OF_TIME,
  tool_timeout: OUT_OF_TIME,
  outcome_unknown: {
    words: "toolOutcomeUnknown",
    tone: "attention",
    hint: "toolOutcomeUnknownHint",
  },
  not_permitted: { words: "toolNotPermitted", tone: "failed" },
})

/**
 * @param {ToolCallPart} part
 * @param {PageOfCall} page
 * @returns {ToolPhase}
 */
export function toolPhase(part, page) {
  const { result } = page
  const code = result?.error?.code ?? ""
  if (Object.hasOwn(ENDS, code)) return ENDS[code] ?? FAILED
  const settled = SETTLED[part.status]
  if (settled) return settled
  if (result) return result.state === "error" ? FAILED : DONE
  if (part.state === "awaiting-input")
    return { words: "toolAwaitingInput", tone: "busy" }
  if (part.state === "input-streaming")
    return { words: "toolReadingInput", tone: "busy" }
  if (isPersons(part.interrupt)) return personPhase(part.interrupt, page)
  if (part.waitsFor === "job") return { words: "toolJob", tone: "busy" }
  if (part.status === "queued") return { words: "toolQueued", tone: "busy" }
  if (part.status === "waiting" && part.executor === "client")
    return waitingPhase(part, page.hasHandler, page.tab)
  return { words: "toolRunning", tone: "busy" }
}

/**
 * @param {Interrupt} interrupt
 * @param {PageOfCall} page
 * @returns {ToolPhase}
 */
function personPhase(interrupt, { isResolving = false }) {
  if (isResolving) return { words: "toolAnswering", tone: "busy" }
  if (interrupt.kind === "question") return { words: "toolQuestion", tone: "attention" }
  if (isVisitors(interrupt)) return { words: "toolApproval", tone: "attention" }
  return { words: "toolStaff", tone: "waiting", hint: "toolStaffHint" }
}

/**
 * Is it a person who must answer?
 *
 * @param {Interrupt | null | undefined} interrupt
 * @returns {interrupt is Interrupt}
 */
function isPersons(interrupt) {
  return interrupt?.kind === "approval" || interrupt?.kind === "question"
}

/** Is it for the visitor to answer? @param {Interrupt | null | undefined} interrupt */
export function isVisitors(interrupt) {
  return isPersons(interrupt) && !isStaffs(interrupt)
}

/** Is it for a member of staff to answer? @param {Interrupt | null | undefined} interrupt */
export function isStaffs(interrupt) {
  return interrupt?.kind === "approval" && interrupt.approver === "staff"
}

/** What was decided about a call, by its decision: in words for whoever decided, and of others. */
const DECISIONS = Object.freeze({
  approve: { visitor: "decidedApprove", staff: "decidedApproveStaff" },
  edit: { visitor: "decidedEdit", staff: "decidedEditStaff" },
  deny: { visitor: "decidedDeny", staff: "decidedDenyStaff" },
  respond: { visitor: "decidedRespond", staff: "decidedRespondStaff" },
})

/**
 * @param {Approval | null | undefined} approval
 * @returns {string} the name of a sentence, empty while nothing is decided
 */
export function decisionWords(approval) {
  if (!approval?.decision || !Object.hasOwn(DECISIONS, approval.decision)) return ""
  return DECISIONS[approval.decision][approval.by === "staff" ? "staff" : "visitor"]
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
  return { words: "toolNoHandler", tone: "attention", hint: "toolNoHandlerHint" }
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
