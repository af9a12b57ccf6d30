/** A server in memory that keeps the promises of docs/protocol.md, and breaks them when told to. */

import { apply, emptyState } from "../../chatkit_app/static/chatkit_app/store.js"
import { messageCreated, newUuid, partStarted, runChanged } from "./events.js"
import { askPage, callChanged, resolve } from "./fake-asking.js"

export class FakeServer {
  viewer = "u:1"
  maxFrameBytes = 65_536
  claimRetryMs = 3_000
  /** Every frame that came, of all sockets. */
  received = []
  /** Every socket that was opened. */
  sockets = []
  /** @type {Map<string, object>} */
  threads = new Map()
  /** Types of frames that are taken and never answered, nor done. */
  deaf = new Set()
  /** Types of frames that are done and never answered: the answer is lost on the way. */
  mute = new Set()
  /** type of frame → errors to answer with, one after the other */
  refusals = new Map()
  /** What happens to a new socket instead of a hello: the code it is closed with. */
  refusesWith = []
  /** Does a lost socket free its claims? */
  freesClaims = true
  /** What came over HTTP: paths, headers, bodies. */
  requests = []
  /** What happens to a request instead: an error that is thrown, or an answer. */
  httpFailures = []
  #commands = new Map()

  accept(socket) {
    socket.peer = new Peer(this, socket)
    this.sockets.push(socket)
    queueMicrotask(() => {
      const code = this.refusesWith.shift()
      if (code !== undefined) return socket.end(code)
      const { viewer, maxFrameBytes } = this
      socket.push({ type: "hello", protocol: 1, viewer, maxFrameBytes })
    })
  }

  get open() {
    return this.sockets.filter((socket) => socket.isOpen)
  }

  /** The frames that came of one type. */
  of(type) {
    return this.received.filter((frame) => frame.type === type)
  }

  /** All sockets are lost. */
  cut(code = 1006) {
    for (const socket of this.open) socket.end(code)
  }

  newThread(id = newUuid()) {
    const thread = { id, assistant: "shop", title: "", status: "open" }
    const start = { snapshot: { thread, messages: [], run: null, earlier: false } }
    const head = { type: "reset", thread: id, epoch: `epoch-${id}`, position: 0 }
    const { state } = apply(emptyState(id), { ...head, ...start })
    this.threads.set(id, { state, events: [], calls: new Map() })
    return id
  }

  /** Commit an event, and, unless it is to be lost on the way, show it. */
  append(id, event, { isShown = true } = {}) {
    const thread = this.threads.get(id)
    const position = thread.state.position + 1
    const frame = { type: "event", thread: id, position, event }
    const outcome = apply(thread.state, frame)
    if (outcome.kind !== "applied")
      throw new Error(`${event.type} does not fit: ${outcome.kind}`)
    thread.state = outcome.state
    thread.events.push(frame)
    if (isShown) this.tellAll(id, frame)
    return frame
  }

  tellAll(id, frame) {
    for (const socket of this.open) if (socket.peer.threads.has(id)) socket.push(frame)
  }

  position(id) {
    const { epoch, position } = this.threads.get(id).state
    return { type: "position", thread: id, epoch, position }
  }

  reset(id) {
    const { epoch, position, thread, messages, run } = this.threads.get(id).state
    const snapshot = JSON.parse(
      JSON.stringify({ thread, messages, run, earlier: false }),
    )
    return { type: "reset", thread: id, epoch, position, snapshot }
  }

  /** An assistant's message with a client tool's call that waits for a page. */
  waitingCall(id, options = {}) {
    const { run, message, call, input } = this.writtenCall(id, options)
    this.append(id, askPage(call, { input }))
    this.append(id, runChanged(run, message, "requires_action"))
    return call
  }

  /** One with a call that a server tool runs, or a page's that is about to be asked for. */
  runningCall(id, { executor = "server", ...options } = {}) {
    const { call, input } = this.writtenCall(id, options)
    const status = executor === "server" ? "running" : "queued"
    this.append(id, callChanged(call, { status, executor, input }))
    return call
  }

  /** One with a call whose arguments have come. */
  writtenCall(
    id,
    { name = "highlight", input = { sku: "A1" }, call = newUuid() } = {},
  ) {
    const run = newUuid()
    const message = newUuid()
    const part = newUuid()
    const text = JSON.stringify(input)
    const stepId = newUuid()
    this.append(id, runChanged(run, message, "in_progress"))
    this.append(id, messageCreated(message, { role: "assistant", runId: run }))
    this.append(
      id,
      partStarted(message, part, { kind: "tool-call", stepId, call, name }),
    )
    this.append(id, { type: "part.delta", partId: part, offset: 0, delta: text })
    this.threads.get(id).calls.set(call, { message, stepId, claim: null, isOpen: true })
    return { run, message, call, input }
  }

  endCall(id, toolCallId, { status = "completed", output = null, ...rest }) {
    const { errorText = null, state = "input-complete", approval = null } = rest
    const call = this.threads.get(id).calls.get(toolCallId)
    call.isOpen = false
    const { errorCode = status === "completed" ? null : "tool_error" } = rest
    const place = {
      messageId: call.message,
      partId: newUuid(),
      index: 50,
      stepId: call.stepId,
    }
    const end = { status, state, output, errorCode, errorText, approval }
    this.append(id, { type: "tool_call.ended", toolCallId, ...place, ...end })
  }

  claimed(id, toolCallId, tab) {
    this.threads.get(id).calls.get(toolCallId).claim = tab
    this.append(id, { type: "tool_call.claimed", toolCallId, tab })
  }

  /** Do a command once; the same id gives the same answer. */
  answer(frame) {
    const refusal = this.refusals.get(frame.type)?.shift()
    if (refusal)
      return { type: "error", id: frame.id, message: refusal.code, ...refusal }
    if (!this.#commands.has(frame.id)) {
      const outcome = this[`do_${frame.type}`](frame)
      if (outcome.type === "error")
        return { id: frame.id, message: outcome.code, ...outcome }
      this.#commands.set(frame.id, { type: "accepted", id: frame.id, ...outcome })
    }
    return this.#commands.get(frame.id)
  }

  do_send({ id, thread, text }) {
    const where = thread ?? this.newThread()
    const [run, message] = [newUuid(), newUuid()]
    const said = { role: "user", clientId: id, status: "complete", content: text }
    this.append(where, messageCreated(message, said))
    this.append(where, runChanged(run, newUuid(), "queued"))
    return { thread: where, run, message }
  }

  do_retry({ thread }) {
    return { thread, run: newUuid(), message: newUuid() }
  }

  do_cancel({ run }) {
    return { run }
  }

  do_claim({ thread, toolCall, tab }) {
    const call = this.threads.get(thread)?.calls.get(toolCall)
    if (!call) return { type: "error", code: "call_not_found" }
    if (!call.isOpen) return { type: "error", code: "answer_late" }
    if (call.claim !== null && call.claim !== tab) {
      return { type: "error", code: "claim_held", retryMs: this.claimRetryMs }
    }
    if (call.claim === null) this.claimed(thread, toolCall, tab)
    return { toolCall }
  }

  do_release({ thread, toolCall, tab }) {
    const call = this.threads.get(thread)?.calls.get(toolCall)
    if (call?.claim === tab) this.claimed(thread, toolCall, null)
    return {}
  }

  do_answer({ thread, toolCall, tab, output = null, error }) {
    const call = this.threads.get(thread)?.calls.get(toolCall)
    if (!call) return { type: "error", code: "call_not_found" }
    if (!call.isOpen) return { type: "error", code: "answer_duplicate" }
    if (call.claim !== null && call.claim !== tab) {
      return { type: "error", code: "claim_held", retryMs: this.claimRetryMs }
    }
    if (error === undefined) this.endCall(thread, toolCall, { output })
    else this.endCall(thread, toolCall, { status: "failed", errorText: error })
    return { toolCall }
  }

  do_resolve(frame) {
    return resolve(this, frame)
  }

  /** A page's `fetch`, for what is too large for a frame. */
  fetch = async (url, { method, headers, body }) => {
    const { pathname: path } = new URL(url)
    this.requests.push({ path, method, headers, body: JSON.parse(body) })
    const failure = this.httpFailures.shift()
    if (failure instanceof Error) throw failure
    if (failure) return { ok: false, json: async () => failure.body, ...failure }
    const { type, ...rest } = this.answer({ type: "resolve", ...JSON.parse(body) })
    const ok = type === "accepted"
    return { ok, status: ok ? 200 : 409, json: async () => rest }
  }
}

/** The server's end of one socket. */
class Peer {
  threads = new Set()
  #tabs = new Set()
  #server
  #socket

  constructor(server, socket) {
    this.#server = server
    this.#socket = socket
  }

  receive(frame) {
    this.#server.received.push(frame)
    // As on a line: never within the sender's own call.
    queueMicrotask(() => this.#take(frame))
  }

  #take(frame) {
    const server = this.#server
    if (server.deaf.has(frame.type)) return
    if (frame.type === "subscribe") return this.#subscribe(frame)
    if (frame.type === "unsubscribe") return this.threads.delete(frame.thread)
    if (["acknowledge", "pong", "watch"].includes(frame.type)) return
    if (frame.tab) this.#tabs.add(frame.tab)
    const answer = server.answer(frame)
    if (!server.mute.has(frame.type)) this.#socket.push(answer)
  }

  #subscribe({ thread: id, epoch, position }) {
    const server = this.#server
    const thread = server.threads.get(id)
    if (!thread) {
      const message = "No such thread."
      return this.#socket.push({
        type: "error",
        code: "thread_not_found",
        message,
        thread: id,
      })
    }
    this.threads.add(id)
    const isKnown = epoch === thread.state.epoch && position <= thread.state.position
    if (!isKnown) return this.#socket.push(server.reset(id))
    this.#socket.push(server.position(id))
    for (const frame of thread.events) {
      if (frame.position > position) this.#socket.push(frame)
    }
  }

  closed() {
    if (!this.#server.freesClaims) return
    for (const [id, { calls }] of this.#server.threads) {
      for (const [call, { claim, isOpen }] of calls) {
        if (isOpen && this.#tabs.has(claim)) this.#server.claimed(id, call, null)
      }
    }
  }
}
