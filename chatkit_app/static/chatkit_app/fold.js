/** What each event does to a thread's messages. Null means: it does not fit to what is here. */

import {
  addPart,
  changeCall,
  changeMessage,
  changePart,
  withoutStep,
} from "./messages.js"

/**
 * @import { FileTold, Message, MessageCreated, MessageEnded, Part, PartDelta, PartEnded, PartStarted,
 *   Progress, Run, RunChanged, StepVoided, ThreadEvent, ToolCallChanged, ToolCallEnded,
 *   ToolCallPart } from "./types.js"
 * @import { ThreadState } from "./store.js"
 */

const ACTIVE = new Set(["queued", "in_progress", "requires_action", "cancelling"])

/** What a call has of the outside before anybody is asked; an older server's calls have nothing else. */
export const NOBODY_ASKED = Object.freeze({
  editedInput: null,
  waitsFor: null,
  interrupt: null,
  approval: null,
})

/**
 * What a server leaves out is null.
 *
 * @param {Pick<Progress, "text" | "fraction"> & Partial<Progress>} told
 * @returns {Progress}
 */
export function wholeProgress({ text, fraction, preliminary = null, notice = null }) {
  return { text, fraction, preliminary, notice }
}

/**
 * While a run is active no other one may begin.
 *
 * @param {Run | null} run
 */
export function isActive(run) {
  return run !== null && ACTIVE.has(run.status)
}

/**
 * @param {ThreadState} state
 * @param {ThreadEvent} event of a type that may be newer than this page
 * @returns {ThreadState | null}
 */
export function fold(state, event) {
  switch (event.type) {
    case "thread.changed":
      return threadChanged(state, event)
    case "message.created":
      return messageCreated(state, event)
    case "message.ended":
      return messageEnded(state, event)
    case "message.hidden":
      return withoutMessage(state, event.messageId)
    case "message.rated":
      return changeMessage(state, event.messageId, (message) => ({
        ...message,
        feedback: event.feedback,
      }))
    case "run.changed":
      return { ...state, run: newerRun(state.run, event) }
    case "step.voided":
      return stepVoided(state, event)
    case "part.started":
      return partStarted(state, event)
    case "part.delta":
      return partDelta(state, event)
    case "part.ended":
      return partEnded(state, event)
    case "tool_call.changed":
      return changeCall(state, event.toolCallId, (part) => callChanged(part, event))
    case "tool_call.claimed":
      return changeCall(state, event.toolCallId, (part) => ({
        ...part,
        claimedBy: event.tab,
      }))
    case "tool_call.progressed":
      return changeCall(state, event.toolCallId, (part) => ({
        ...part,
        progress: wholeProgress(event),
      }))
    case "tool_call.ended":
      return callEnded(state, event)
    default:
      // A step that goes well changes nothing that is shown, and an effect is told, not kept
      // (told.js); what is newer than us is skipped.
      return state
  }
}

/**
 * @param {ThreadState} state
 * @param {{ title: string, status: string }} event
 * @returns {ThreadState}
 */
function threadChanged(state, { title, status }) {
  return state.thread === null
    ? state
    : { ...state, thread: { ...state.thread, title, status } }
}

/**
 * @param {ThreadState} state
 * @param {MessageCreated} event
 * @returns {ThreadState | null}
 */
function messageCreated(state, event) {
  if (state.messages.some((message) => message.id === event.messageId)) return null
  /** @type {Message} */
  const message = {
    id: event.messageId,
    role: event.role,
    status: event.status,
    clientId: event.clientId,
    runId: event.runId,
    createdAt: event.createdAt,
    parentId: event.parentId ?? null,
    siblings: event.siblings ?? [],
    author: event.author ?? null,
    feedback: null,
    parts: [...wholeText(event), ...(event.files ?? []).map(wholeFile)],
  }
  return { ...state, messages: [...state.messages, message] }
}

/**
 * The text of a message that came whole; its part has no id of its own on the wire.
 *
 * @param {MessageCreated} event
 * @returns {Part[]}
 */
function wholeText({ messageId, content }) {
  if (!content) return []
  const place = { partId: messageId, index: 0, stepId: null }
  return [{ type: "text", ...place, content, state: "complete" }]
}

/** @param {FileTold} file @returns {Part} */
function wholeFile(file) {
  return { type: "file", stepId: null, state: "complete", ...file }
}

/**
 * A part that has not ended when its message does was interrupted.
 *
 * @param {ThreadState} state
 * @param {MessageEnded} event
 * @returns {ThreadState}
 */
function messageEnded(state, { messageId, status }) {
  return changeMessage(state, messageId, (message) => ({
    ...message,
    status,
    parts: message.parts.map((part) =>
      part.type !== "tool-call" && part.state === "streaming"
        ? { ...part, state: /** @type {const} */ ("interrupted") }
        : part,
    ),
  }))
}

/** @param {ThreadState} state @param {string} messageId @returns {ThreadState} */
function withoutMessage(state, messageId) {
  return {
    ...state,
    messages: state.messages.filter((message) => message.id !== messageId),
  }
}

/**
 * An older run may end after a newer one was queued; it is not what is shown any more. Ids are
 * UUIDs of version 7: a greater one is a later one.
 *
 * @param {Run | null} run
 * @param {RunChanged} event
 * @returns {Run | null}
 */
function newerRun(run, { runId, status, answerId, errorCode, errorText }) {
  const isOlder = run !== null && run.id !== runId && runId < run.id
  if (isOlder && !ACTIVE.has(status)) return run
  const retry = run?.id === runId && ACTIVE.has(status) ? run.retry : null
  return { id: runId, status, answerId, errorCode, errorText, retry }
}

/**
 * What the step has said is taken back, and it is asked again; everything else stands.
 *
 * @param {ThreadState} state
 * @param {StepVoided} event
 * @returns {ThreadState}
 */
function stepVoided(state, { runId, stepId, errorCode: code, attempt, retryAt }) {
  const { run } = state
  const isShown = run?.id === runId && ACTIVE.has(run.status)
  return {
    ...state,
    messages: withoutStep(state.messages, stepId),
    run: isShown ? { ...run, retry: { code, attempt, retryAt } } : run,
  }
}

/** It speaks: nobody needs to be told any more that it is asked again. @param {ThreadState} state */
function calmed(state) {
  const { run } = state
  return run?.retry ? { ...state, run: { ...run, retry: null } } : state
}

/**
 * @param {ThreadState} state
 * @param {PartStarted} event
 * @returns {ThreadState | null}
 */
function partStarted(state, event) {
  const message = state.messages.find((found) => found.id === event.messageId)
  if (!message || message.parts.some((part) => part.partId === event.partId))
    return null
  return calmed(addPart(state, event.messageId, newPart(event)))
}

/**
 * @param {PartStarted} event
 * @returns {Part}
 */
function newPart({ kind, partId, index, stepId, toolCallId, toolCallName }) {
  const place = { partId, index, stepId }
  if (kind !== "tool-call") {
    // A kind that is newer than this page keeps its name: nobody draws it, its deltas still fit.
    const type = /** @type {"text"} */ (kind)
    return { type, ...place, content: "", state: "streaming" }
  }
  return {
    type: "tool-call",
    id: toolCallId ?? "",
    ...place,
    name: toolCallName ?? "",
    arguments: "",
    input: null,
    state: "awaiting-input",
    status: "streaming",
    executor: null,
    output: undefined,
    ...NOBODY_ASKED,
    claimedBy: null,
    progress: null,
    deadlineAt: null,
  }
}

/**
 * @param {ThreadState} state
 * @param {PartDelta} event
 * @returns {ThreadState | null}
 */
function partDelta(state, { partId, offset, delta }) {
  return changePart(state, partId, (part) => {
    if (part.type === "file") return null
    if (part.type !== "tool-call") {
      if (part.state !== "streaming" || offset !== part.content.length) return null
      return { ...part, content: part.content + delta }
    }
    if (offset !== part.arguments.length) return null
    const shown = part.status === "streaming" ? "input-streaming" : part.state
    return { ...part, arguments: part.arguments + delta, state: shown }
  })
}

/**
 * @param {ThreadState} state
 * @param {PartEnded} event
 * @returns {ThreadState | null}
 */
function partEnded(state, { partId, length, state: ended }) {
  return changePart(state, partId, (part) => {
    if (part.type === "tool-call") return part.arguments.length === length ? part : null
    // A result and a file come whole: nothing of them is left to end.
    if (part.type === "tool-result" || part.type === "file") return null
    if (part.content.length !== length) return null
    return { ...part, state: ended }
  })
}

/**
 * What it waits for, and until when, is told each time, so that null clears it; the rest comes where it
 * has changed.
 *
 * @param {ToolCallPart} part
 * @param {ToolCallChanged} event
 * @returns {ToolCallPart}
 */
function callChanged(part, event) {
  return {
    ...part,
    status: event.status,
    state: event.state,
    executor: event.executor ?? part.executor,
    input: event.input ?? part.input,
    editedInput: event.editedInput ?? part.editedInput,
    waitsFor: event.waitsFor ?? null,
    interrupt: event.interrupt ?? null,
    approval: event.approval ?? part.approval,
    deadlineAt: event.deadlineAt,
  }
}

/**
 * @param {ThreadState} state
 * @param {ToolCallEnded} event
 * @returns {ThreadState | null}
 */
function callEnded(state, event) {
  const output = event.status === "completed" ? event.output : undefined
  const settled = changeCall(state, event.toolCallId, (part) => ({
    ...part,
    status: event.status,
    state: event.state,
    output,
    waitsFor: null,
    interrupt: null,
    approval: event.approval ?? part.approval,
    claimedBy: null,
    progress: null,
  }))
  return settled && addPart(settled, event.messageId, resultPart(event))
}

/**
 * @param {ToolCallEnded} event
 * @returns {Part}
 */
function resultPart(event) {
  const { toolCallId, partId, index, stepId } = event
  const place = {
    type: /** @type {const} */ ("tool-result"),
    toolCallId,
    partId,
    index,
    stepId,
  }
  if (event.status === "completed") {
    return { ...place, content: JSON.stringify(event.output), state: "complete" }
  }
  const error = { code: event.errorCode ?? "tool_error", text: event.errorText ?? "" }
  return { ...place, content: error.text, state: "error", error }
}
