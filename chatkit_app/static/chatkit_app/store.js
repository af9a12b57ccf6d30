/** One thread as a page knows it: a pure reducer from frames to state. What did not change stays identical. */

import { fold, NOBODY_ASKED, wholeProgress } from "./fold.js"
import { isSame } from "./messages.js"
import { tellingOf } from "./told.js"

/**
 * @import { EventFrame, Message, Part, PartEnded, PositionFrame, ResetFrame, Run, RunTold, Thread,
 *   ToolCallPart } from "./types.js"
 * @import { Telling } from "./told.js"
 */

/**
 * @typedef {object} ThreadState
 * @property {string} threadId
 * @property {string | null} epoch null: there is nothing to resume from, only a reset helps
 * @property {number} position of the last event that is in here
 * @property {Thread | null} thread
 * @property {readonly Message[]} messages oldest first
 * @property {Run | null} run the newest one
 * @property {boolean} hasEarlier are there messages before the first one here?
 *
 * @typedef {object} Outcome what a frame did
 * @property {"applied" | "ignored" | "level" | "behind" | "gap" | "unsound"} kind
 *   `level` and `behind`: the server told where it stands; `gap`: subscribe again from here;
 *   `unsound`: the state has lost its epoch, subscribe again without a position
 * @property {ThreadState} state
 * @property {{ content: string, digest: string }} [ended] a part that is whole, for its digest
 * @property {Telling} [told] what the page is to do or to say, once
 */

/** @param {string} threadId @returns {ThreadState} before the first snapshot */
export function emptyState(threadId) {
  return {
    threadId,
    epoch: null,
    position: 0,
    thread: null,
    messages: [],
    run: null,
    hasEarlier: false,
  }
}

/**
 * Keep what is shown, but resume from nothing: the next subscribe brings a snapshot.
 *
 * @param {ThreadState} state
 * @returns {ThreadState}
 */
export function forget(state) {
  return { ...state, epoch: null }
}

/**
 * @param {ThreadState} state
 * @param {EventFrame | PositionFrame | ResetFrame} frame
 * @returns {Outcome}
 */
export function apply(state, frame) {
  if (frame.thread !== state.threadId) return { kind: "ignored", state }
  switch (frame.type) {
    case "event":
      return applyEvent(state, frame)
    case "position":
      return compare(state, frame)
    case "reset":
      return { kind: "applied", state: fromSnapshot(state, frame) }
  }
}

/**
 * @param {ThreadState} state
 * @param {EventFrame} frame
 * @returns {Outcome}
 */
function applyEvent(state, { position, event }) {
  if (state.epoch === null || position <= state.position)
    return { kind: "ignored", state }
  if (position > state.position + 1) return { kind: "gap", state }
  const next = fold(state, event)
  if (next === null) return { kind: "unsound", state: forget(state) }
  /** @type {Outcome} */
  const outcome = { kind: "applied", state: { ...next, position } }
  if (event.type === "part.ended")
    outcome.ended = { content: endedContent(next, event), digest: event.digest }
  const told = tellingOf(state, event)
  if (told) outcome.told = told
  return outcome
}

/**
 * @param {ThreadState} state
 * @param {PositionFrame} frame
 * @returns {Outcome}
 */
function compare(state, { epoch, position }) {
  if (state.epoch === null) return { kind: "ignored", state }
  if (epoch !== state.epoch) return { kind: "unsound", state: forget(state) }
  return { kind: position > state.position ? "behind" : "level", state }
}

/**
 * @param {ThreadState} state
 * @param {ResetFrame} frame
 * @returns {ThreadState}
 */
function fromSnapshot(state, { epoch, position, snapshot }) {
  return {
    threadId: state.threadId,
    epoch,
    position,
    thread: snapshot.thread,
    messages: reconcile(state.messages, snapshot.messages),
    run: snapshot.run && runTold(snapshot.run),
    hasEarlier: snapshot.earlier,
  }
}

/**
 * Its open interrupts are told with its calls, too: what is kept twice can disagree.
 *
 * @param {RunTold} told
 * @returns {Run}
 */
function runTold({ id, status, answerId, errorCode, errorText, retry = null }) {
  return { id, status, answerId, errorCode, errorText, retry }
}

/**
 * Put a page of older messages before those that are here.
 *
 * @param {ThreadState} state
 * @param {{ results: Message[], earlier: boolean }} page oldest first
 * @returns {ThreadState}
 */
export function prepend(state, page) {
  const known = new Set(state.messages.map((message) => message.id))
  const older = page.results.map(normal).filter((message) => !known.has(message.id))
  return { ...state, messages: [...older, ...state.messages], hasEarlier: page.earlier }
}

/**
 * The calls that wait for a page to run them, not for somebody to approve them first.
 *
 * @param {ThreadState} state
 * @returns {ToolCallPart[]}
 */
export function waitingCalls(state) {
  return state.messages.flatMap(({ parts }) => parts.filter(isWaitingForPage))
}

/** An older server doesn't say for whom a call waits: then for a page. @param {Part} part @returns {part is ToolCallPart} */
function isWaitingForPage(part) {
  if (part.type !== "tool-call" || part.executor !== "client") return false
  return part.status === "waiting" && (part.waitsFor ?? "client") === "client"
}

/**
 * A snapshot's messages, each in the identity that it had before if it is still the same.
 *
 * @param {readonly Message[]} before
 * @param {Message[]} after
 * @returns {Message[]}
 */
function reconcile(before, after) {
  const known = new Map(before.map((message) => [message.id, message]))
  return after.map((message) => {
    const fresh = normal(message)
    const old = known.get(message.id)
    return old && isSame(old, fresh) ? old : fresh
  })
}

/** @param {Message} message @returns {Message} */
function normal(message) {
  const parts = message.parts.map((part) =>
    part.type === "tool-call" ? normalCall(part) : part,
  )
  return { ...message, parts }
}

/**
 * JSON has no undefined: an `output` that is not there yet arrives as null or not at all. An older
 * server leaves out what it does not know.
 *
 * @param {ToolCallPart} part
 * @returns {ToolCallPart}
 */
function normalCall(part) {
  const whole = { ...NOBODY_ASKED, ...part }
  if (part.status !== "completed") whole.output = undefined
  if (part.progress) whole.progress = wholeProgress(part.progress)
  return whole
}

/**
 * @param {ThreadState} state
 * @param {PartEnded} event
 * @returns {string}
 */
function endedContent(state, event) {
  for (const message of state.messages) {
    for (const part of message.parts) {
      if (part.partId !== event.partId) continue
      if (part.type === "file") return ""
      return part.type === "tool-call" ? part.arguments : part.content
    }
  }
  return ""
}
