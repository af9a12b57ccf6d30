/** Events as the server writes them, and the ids in them. */

let made = 0

/** Ids that grow with time, as the server's do. */
export function newUuid() {
  made += 1
  return `01900000-0000-7000-8000-${made.toString(16).padStart(12, "0")}`
}

export function messageCreated(messageId, rest = {}) {
  const nothing = { runId: null, clientId: null, status: "open", content: null }
  const createdAt = "2026-01-05T12:00:00Z"
  return {
    type: "message.created",
    messageId,
    role: "assistant",
    ...nothing,
    createdAt,
    ...rest,
  }
}

export function runChanged(runId, answerId, status, rest = {}) {
  return {
    type: "run.changed",
    runId,
    status,
    answerId,
    errorCode: null,
    errorText: null,
    ...rest,
  }
}

export function partStarted(
  messageId,
  partId,
  { kind = "text", index = 0, ...rest } = {},
) {
  const {
    stepId = newUuid(),
    call: toolCallId = null,
    name: toolCallName = null,
  } = rest
  return {
    type: "part.started",
    messageId,
    partId,
    index,
    kind,
    stepId,
    toolCallId,
    toolCallName,
  }
}
