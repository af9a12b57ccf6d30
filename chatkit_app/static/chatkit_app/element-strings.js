// The words of the element. The page's own table, made by gettext, stands in front of these.

/** @type {Readonly<Record<string, string>>} */
export const ENGLISH = Object.freeze({
  assistant: "Assistant",
  you: "You",
  heading: "Chat",
  greeting: "How can I help you?",
  placeholder: "Write a message",
  composer: "Your message",
  send: "Send",
  stop: "Stop answering",
  newChat: "New chat",
  threads: "Your chats",
  close: "Close",
  untitled: "Untitled chat",
  noThreads: "No chats yet.",
  more: "Show more",
  loadEarlier: "Show earlier messages",
  loading: "Loading…",
  toNewest: "Jump to newest",
  simulated:
    "Scripted demo: no model answers here. Prepared answers are played to your requests.",
  connecting: "Connecting…",
  reconnecting: "Connection lost. Reconnecting…",
  connected: "Connected again.",
  closed: "Not connected.",
  reconnect: "Reconnect",
  working: "The assistant is working",
  askedAgainBusy: "The model is busy. Asking again…",
  askedAgainUnavailable: "The model did not finish its answer. Asking again…",
  askedAgain: "The answer broke off and is asked again…",
  sending: "Sending…",
  sendingLater: "Will be sent as soon as there is a connection.",
  stopping: "Stopping…",
  busy: "The assistant is still answering. Wait for it, or stop it first.",
  refused: "Not sent: {reason}",
  refusedAgain: "Try again in {seconds} s.",
  retry: "Try again",
  stopped: "Stopped. The answer is not complete.",
  interrupted: "This answer was interrupted and is not complete.",
  details: "Details",
  answerDone: "Answer complete.",
  copy: "Copy",
  copied: "Copied",
  code: "Code",
  table: "Table",
  thinking: "Thinking…",
  thoughts: "Thoughts",
  input: "Input",
  output: "Result",
  toolAwaitingInput: "waiting for its input",
  toolReadingInput: "reading its input",
  toolQueued: "about to start",
  toolRunning: "running",
  toolWaiting: "waiting for this page",
  toolHere: "running in this page",
  toolElsewhere: "running in another tab",
  toolNoHandler: "waiting for a page that can do this",
  toolNoHandlerHint:
    "This page cannot run it. It stays open until a page that can is opened; you can also stop it or write on.",
  toolDone: "done",
  toolFailed: "failed",
  toolCancelled: "cancelled",
  errorFailed: "The answer could not be finished.",
  errorProviderRateLimited: "The assistant has too much to do right now.",
  errorProviderUnavailable: "The assistant cannot be reached right now.",
  errorProviderRejected: "The assistant refused this request.",
  errorProviderContextExceeded: "This chat has become too long. Start a new one.",
  errorStepLimitExceeded: "The assistant needed too many steps.",
  errorRunInterrupted: "The answer was interrupted by a restart.",
  errorRateLimited: "You are writing very fast.",
  errorRunConflict: "The assistant is still answering.",
  errorNoViewer: "Your browser's session did not reach the chat. Are cookies blocked?",
  errorSignedOut: "You are no longer signed in here.",
  errorUnreachable: "The chat cannot be reached.",
  errorNotAllowed: "This is not allowed.",
  errorExpired: "It was written too long ago.",
  errorUnknown: "Something went wrong.",
})

/**
 * Look words up, with English for what a table lacks.
 *
 * @typedef {(name: string, values?: Record<string, string | number>) => string} Words
 * @param {Readonly<Record<string, string>>} table
 * @returns {Words}
 */
export function wordsFrom(table) {
  return (name, values = {}) => {
    const text = table[name] ?? ENGLISH[name] ?? name
    return text.replace(/\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole))
  }
}

/**
 * What a page's JSON holds of words; anything else in it is left out.
 *
 * @param {string | null | undefined} json
 * @returns {Record<string, string>}
 */
export function readTable(json) {
  const data = readJson(json)
  if (typeof data !== "object" || data === null) return {}
  return Object.fromEntries(
    Object.entries(data).filter(([, text]) => typeof text === "string" && text !== ""),
  )
}

/**
 * A list of texts from an attribute's JSON; empty where it is none.
 *
 * @param {string | null | undefined} json
 * @returns {string[]}
 */
export function readList(json) {
  const data = readJson(json)
  return Array.isArray(data) ? data.filter((item) => typeof item === "string") : []
}

/**
 * @param {string | null | undefined} json
 * @returns {unknown}
 */
function readJson(json) {
  try {
    return JSON.parse(json || "null")
  } catch {
    return null
  }
}

/**
 * An error code in words: `provider_unavailable` → the text of `errorProviderUnavailable`.
 *
 * @param {Words} words
 * @param {string | null | undefined} code
 * @param {string} otherwise what to say of a code that has no words
 */
export function errorWords(words, code, otherwise) {
  if (!code) return otherwise
  const name = `error${code.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase())}`
  return name in ENGLISH ? words(name) : otherwise
}
