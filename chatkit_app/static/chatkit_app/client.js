/** The client without DOM: one thread at a time, its messages, and what a visitor can do. */

import { Calls } from "./calls.js"
import { Connection } from "./connection.js"
import { toSent } from "./drafts.js"
import { environment, mountUrl, tellPage } from "./environment.js"
import { isActive } from "./fold.js"
import { ChatKitError, newId } from "./protocol.js"
import { Requests } from "./requests.js"
import { waitingCalls } from "./store.js"
import { Subscription } from "./subscription.js"
import { Tools } from "./tools.js"
import { Writing } from "./writing.js"

/** @import { Environment, ErrorFrame, Options, Message, ServerFrame } from "./types.js" */

/** @type {readonly Message[]} */
const NO_MESSAGES = Object.freeze([])

/**
 * Events: `change` (anything that can be read here), `error` (detail: a `ChatKitError`), `toolcall`
 * (cancelable; detail: the call, before its tool runs).
 */
export class ChatKitClient extends EventTarget {
  /** Another one in every tab, also in one that was duplicated: it is kept in memory only. */
  tab
  /** What this page can do for the model. */
  tools = new Tools()
  /** @type {{ code: string, message: string } | null} */
  error = null
  /** @type {Subscription | null} */
  #subscription = null
  #writing
  /** @type {string | null} */
  #viewer = null
  #isChangePlanned = false
  #assistant
  #page
  #env
  #requests
  #connection
  #calls

  /** @param {Options & Partial<Environment>} [options] */
  constructor(options = {}) {
    super()
    const { url = "/chatkit/", assistant = "", thread = null, context = {} } = options
    const { page = {}, csrfToken = "" } = options
    this.#env = environment(options)
    this.#assistant = assistant
    this.#page = page
    this.tab = newId(this.#env.crypto)
    const mount = mountUrl(url, this.#env.base)
    const { tab, tools } = this
    const env = this.#env
    this.#requests = new Requests({ mount, csrfToken, env })
    this.#connection = new Connection({ mount, requests: this.#requests, env })
    this.#calls = new Calls({
      ...{ tools, tab, context, env },
      ask: (command, options) => this.#connection.ask(command, options),
      announce: (detail) =>
        this.dispatchEvent(new CustomEvent("toolcall", { detail, cancelable: true })),
      report: (error) => this.#report(error),
    })
    this.#writing = new Writing({
      ...{ thread, mount, assistant, env },
      ask: (message, options) => this.#say(message, options),
    })
    this.#listen()
    if (thread !== null) this.#watch(thread)
  }

  get state() {
    return this.#connection.state
  }

  /** `u:<id>`, `v:<uuid>`, or null before the first connection. */
  get viewer() {
    return this.#connection.viewer
  }

  get threadId() {
    return this.#subscription?.state.threadId ?? null
  }

  get thread() {
    return this.#subscription?.state.thread ?? null
  }

  /** Oldest first; what has not changed is identical to what it was. */
  get messages() {
    return this.#subscription?.state.messages ?? NO_MESSAGES
  }

  get pendingMessages() {
    return this.#writing.list
  }

  /** The newest run. */
  get run() {
    return this.#subscription?.state.run ?? null
  }

  get isBusy() {
    return isActive(this.run)
  }

  get hasEarlier() {
    return this.#subscription?.state.hasEarlier ?? false
  }

  connect() {
    this.error = null
    this.#connection.open()
    this.#changed()
  }

  /** What was not accepted yet is sent after the next `connect()`. */
  close() {
    this.#calls.release()
    this.#connection.close()
  }

  /**
   * The first message makes the thread. Until the server has it, it outlives a lost line and a reload.
   *
   * @param {string} text
   * @returns {Promise<import("./drafts.js").Sent>} when the server has it; rejects with a `ChatKitError`
   */
  send(text) {
    const assistant = this.#assistant || (this.thread?.assistant ?? "")
    return this.#writing.send({ assistant, text, viewer: this.viewer })
  }

  /** Take a refused message off the list. @param {string} clientId */
  discard(clientId) {
    this.#writing.remove((id) => id === clientId)
  }

  /** End the active run; what it has written so far stays. Without one: nothing. */
  async cancel() {
    const { run, threadId: thread } = this
    if (run === null || thread === null || !this.isBusy) return
    const command = { id: newId(this.#env.crypto), thread, run: run.id }
    await this.#connection.ask({ type: "cancel", ...command })
  }

  /**
   * Answer again what the newest run was to answer.
   *
   * @returns {Promise<import("./drafts.js").Sent>}
   */
  async retry() {
    const { run, threadId: thread, tab } = this
    if (run === null || thread === null) {
      throw new ChatKitError("nothing_to_retry", "There is no run to retry.")
    }
    const command = { id: newId(this.#env.crypto), thread, run: run.id, tab }
    return toSent(await this.#connection.ask({ type: "retry", ...command }))
  }

  /** @param {string} id */
  openThread(id) {
    if (id === this.threadId) return
    this.#leave(id)
    this.#watch(id)
  }

  /** The next message makes a new one. */
  newThread() {
    this.#leave()
    this.#changed()
  }

  /**
   * The viewer's threads with this assistant, the newest first.
   *
   * @param {{ cursor?: string }} [options] `next` of the page before
   */
  listThreads({ cursor } = {}) {
    return this.#requests.threads(this.#assistant, cursor)
  }

  /** Older messages, before the first one here. */
  loadEarlier() {
    return this.#subscription?.loadEarlier(this.#requests) ?? Promise.resolve()
  }

  /**
   * @param {import("./kept.js").KeptMessage} message
   * @param {import("./outbox.js").Asking} options
   */
  #say({ id, thread, assistant, text }, options) {
    const page = tellPage(this.#page, (error) => this.#report(error))
    const said = { assistant, text, page, tab: this.tab }
    return this.#connection.ask({ type: "send", id, thread, ...said }, options)
  }

  /** @param {string} threadId */
  #watch(threadId) {
    const subscription = new Subscription({
      threadId,
      tell: (frame) => this.#connection.tell(frame),
      env: this.#env,
    })
    subscription.addEventListener("change", () => this.#threadChanged(subscription))
    subscription.addEventListener("live", () => this.#threadChanged(subscription))
    this.#subscription = subscription
    if (this.state === "open") subscription.subscribe()
    this.#changed()
  }

  /** @param {string | null} [next] the thread that will be written to */
  #leave(next = null) {
    this.#calls.leave()
    this.#subscription?.end()
    this.#subscription = null
    this.#writing.leave(next)
    if (this.error?.code !== "unreachable") this.error = null
  }

  /** @param {Subscription} subscription */
  #threadChanged(subscription) {
    if (subscription !== this.#subscription) return
    const { state, isLive } = subscription
    const shown = new Set(state.messages.map((message) => message.clientId))
    this.#writing.remove((clientId) => shown.has(clientId))
    if (isLive) this.#calls.update(state.threadId, waitingCalls(state))
    this.#changed()
  }

  #listen() {
    const connection = this.#connection
    connection.addEventListener("state", () => this.#changed())
    connection.addEventListener("open", () => this.#opened())
    connection.addEventListener("down", () => this.#down())
    connection.addEventListener("awake", () => this.#subscription?.check())
    connection.addEventListener("leaving", () => this.#calls.release())
    connection.addEventListener("failed", (event) => this.#report(detailOf(event)))
    connection.addEventListener("frame", (event) => this.#receive(detailOf(event)))
    this.#writing.addEventListener("change", () => this.#changed())
    this.#writing.addEventListener("thread", (event) => {
      if (this.#subscription === null) this.#watch(detailOf(event))
    })
  }

  #opened() {
    this.error = null
    const isOther = this.#viewer !== null && this.#viewer !== this.viewer
    if (isOther) this.#subscription?.clear()
    this.#viewer = this.viewer
    this.#subscription?.subscribe()
  }

  #down() {
    this.#subscription?.disconnected()
    this.#calls.disconnected()
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    switch (frame.type) {
      case "event":
      case "position":
      case "reset":
        return this.#subscription?.receive(frame)
      case "error":
        return this.#refused(frame)
      case "ping":
        return this.#subscription?.acknowledge()
    }
  }

  /** @param {ErrorFrame} frame that answers no command of ours */
  #refused({ code, message, thread, retryMs }) {
    if (code === "thread_not_found" && thread === this.threadId) this.#leave()
    this.#report(new ChatKitError(code, message, retryMs))
  }

  /** @param {ChatKitError} error */
  #report(error) {
    this.error = { code: error.code, message: error.message }
    this.dispatchEvent(new CustomEvent("error", { detail: error }))
    this.#changed()
  }

  #changed() {
    if (this.#isChangePlanned) return
    this.#isChangePlanned = true
    this.#env.schedule(() => {
      this.#isChangePlanned = false
      this.dispatchEvent(new Event("change"))
    })
  }
}

/** @param {Event} event @returns {any} */
function detailOf(event) {
  return /** @type {CustomEvent} */ (event).detail
}
