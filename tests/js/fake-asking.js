/** What a fake server asks of the outside, and what it does with the answers. */

import { newUuid } from "./events.js"

export function interrupt(toolCallId, kind = "client_tool", rest = {}) {
  const approver = kind === "approval" ? "visitor" : null
  const nothing = { key: "", message: "", schema: null, form: null, expiresAt: null }
  return { id: newUuid(), kind, toolCallId, ...nothing, approver, ...rest }
}

export function approval(id, rest = {}) {
  const open = { approved: null, decision: null, reason: null, by: null }
  return { id, needsApproval: true, ...open, ...rest }
}

/** A call that has moved on; what is not told has not changed. */
export function callChanged(toolCallId, rest = {}) {
  const where = { status: "waiting", state: "input-complete", executor: null }
  const asked = { editedInput: null, waitsFor: null, interrupt: null, approval: null }
  return {
    type: "tool_call.changed",
    toolCallId,
    ...where,
    input: null,
    ...asked,
    deadlineAt: null,
    ...rest,
  }
}

/** Who is asked when a client tool's call may run. */
export function askPage(toolCallId, rest = {}) {
  const asked = { waitsFor: "client", interrupt: interrupt(toolCallId) }
  return callChanged(toolCallId, { executor: "client", ...asked, ...rest })
}

/** Let a person be asked about a call that is there. */
export function askPerson(server, thread, toolCallId, kind, rest = {}) {
  const asked = interrupt(toolCallId, kind, rest)
  const isApproval = kind === "approval"
  const event = callChanged(toolCallId, {
    state: isApproval ? "approval-requested" : "input-complete",
    waitsFor: "person",
    interrupt: asked,
    approval: isApproval ? approval(asked.id) : null,
  })
  server.append(thread, event)
  return asked.id
}

/** All answers or none, as docs/protocol.md has it. */
export function resolve(server, { thread, answers, tab }) {
  const open = new Map(openOf(server, thread).map((part) => [part.interrupt.id, part]))
  for (const answer of answers) {
    const refusal = refusalOf(server, thread, open, answer, tab)
    if (refusal) return { type: "error", ...refusal }
  }
  for (const answer of answers)
    settle(server, thread, open.get(answer.interrupt), answer)
  return { thread, interrupts: answers.map((answer) => answer.interrupt) }
}

function openOf(server, thread) {
  const { messages } = server.threads.get(thread).state
  return messages
    .flatMap(({ parts }) => parts)
    .filter((part) => part.type === "tool-call" && part.interrupt)
}

function refusalOf(server, thread, open, { interrupt: id, input, output }, tab) {
  const part = open.get(id)
  if (!part) return { code: "answer_late" }
  if (part.interrupt.approver === "staff") return { code: "not_allowed" }
  const { claim } = server.threads.get(thread).calls.get(part.id)
  if (part.interrupt.kind === "client_tool" && claim !== null && claim !== tab)
    return { code: "claim_held", retryMs: server.claimRetryMs }
  const { required = [] } = part.interrupt.schema ?? {}
  const missing = required.filter((field) => !(input ?? output)?.[field])
  if (missing.length === 0 || (input === undefined && output === undefined)) return null
  const errors = missing.map((field) => ({ interrupt: id, field, message: "required" }))
  return { code: "answer_invalid", errors }
}

function settle(server, thread, part, { decision, input = null, output, text }) {
  const { id: call, interrupt: asked } = part
  const responded = { state: "approval-responded" }
  const by = { decision, by: "visitor" }
  switch (decision) {
    case "approve":
    case "edit": {
      const approved = approval(asked.id, { ...by, approved: true })
      const told = { ...responded, approval: approved, editedInput: input }
      const isPages = part.executor === "client"
      const going = isPages ? askPage(call) : callChanged(call, { status: "running" })
      return server.append(thread, { ...going, ...told })
    }
    case "deny":
    case "respond": {
      const denied = approval(asked.id, { ...by, approved: false, reason: text })
      const errorCode = decision === "deny" ? "denied" : "answered_instead"
      const end = { status: "failed", errorText: text, errorCode, approval: denied }
      return server.endCall(thread, call, { ...end, ...responded })
    }
    case "fail":
      return server.endCall(thread, call, { status: "failed", errorText: text })
    case "skip":
      return server.append(thread, callChanged(call, { status: "running" }))
    case "answer": {
      if (asked.kind === "client_tool") return server.endCall(thread, call, { output })
      return server.append(thread, callChanged(call, { status: "running" }))
    }
  }
}
