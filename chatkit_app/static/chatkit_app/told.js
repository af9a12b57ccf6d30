/** What an event tells the page to do or to say, once, beside what it changes. */

import { isSame } from "./messages.js"

/**
 * @import { Json, ThreadEvent, ToolCallProgressed, ToolNotice } from "./types.js"
 * @import { ThreadState } from "./store.js"
 */

/**
 * @typedef {{ toolCallId: string, name: string, data: Json, tab: string }} Effect
 * @typedef {{ toolCallId: string } & ToolNotice} NoticeTold
 * @typedef {{ type: "effect", detail: Effect } | { type: "notice", detail: NoticeTold }} Telling
 */

/**
 * @param {ThreadState} before the event
 * @param {ThreadEvent} event
 * @returns {Telling | null}
 */
export function tellingOf(before, event) {
  if (event.type === "tool_call.progressed") return noticeOf(before, event)
  if (event.type !== "effect") return null
  const { toolCallId, name, data, tab } = event
  return { type: "effect", detail: { toolCallId, name, data, tab } }
}

/**
 * Each event of a call's progress has its newest notice, so that later joiners have it: only another
 * one than before is news.
 *
 * @param {ThreadState} before
 * @param {ToolCallProgressed} event
 * @returns {Telling | null}
 */
function noticeOf(before, { toolCallId, notice = null }) {
  if (notice === null || isSame(notice, knownNotice(before, toolCallId))) return null
  return { type: "notice", detail: { toolCallId, ...notice } }
}

/** @param {ThreadState} state @param {string} toolCallId */
function knownNotice({ messages }, toolCallId) {
  for (const part of messages.flatMap((message) => message.parts)) {
    if (part.type === "tool-call" && part.id === toolCallId)
      return part.progress?.notice
  }
}
