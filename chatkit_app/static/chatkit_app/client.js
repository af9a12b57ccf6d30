/** The client without DOM: one thread at a time, its messages, and what a visitor can do. */

import { Api } from "./api.js"
import { Branches } from "./branches.js"
import { Branching } from "./branching.js"
import { Calls } from "./calls.js"
import { Connection } from "./connection.js"
import { Delivery } from "./delivery.js"
import { environment, mountUrl, tellPage } from "./environment.js"
import { isActive } from "./fold.js"
import { Http } from "./http.js"
import { openInterrupts, Resolving } from "./interrupts.js"
import { OwnerBell } from "./owner-bell.js"
import { partialInput } from "./partial.js"
import { ChatKitError, newId } from "./protocol.js"
import { Requests } from "./requests.js"
import { waitingCalls } from "./store.js"
import { Subscription } from "./subscription.js"
import { Tools } from "./tools.js"
import { Writing } from "./writing.js"

/**
 * @import { Environment, ErrorFrame, InterruptAnswer, Message, Options, ServerFrame } from "./types.js"
 * @import { Telling } from "./told.js"
 */

/** @type {readonly Message[]} */
const NO_MESSAGES = Object.freeze([])

/**
 * Events: `change` (anything that can be read here), `error` (detail: a `ChatKitError`), `toolcall`
 * (cancelable; detail: the call, before its tool runs), and what tools tell the page, once, when it
 * happens: `effect` (detail: `{ name, data, toolCallId, isOurs }`), `notice` (detail: `{ level, title,
 * text, toolCallId }`).
 *
 * @template [T=any] the tools by name, as `manage.py chatkit_types` writes them
 */
export class ChatKitClient extends Branching {
  /** Another one in every tab, also in one that was duplicated: it is kept in memory only. */
  tab
  /** What this page can do for the model. @type {Tools<T>} */
  tools = new Tools()
  /** @type {{ code: string, message: string } | null} */
  error = null
  /** Threads and messages over HTTP: to find, name, archive, delete and rate them. */
  api
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
  #resolving
  /** @type {() => void} */
  #begin = () => {}
  /** @type {Promise<void>} the first `connect()`: by then the page has said what it is and has */
  #begun = new Promise((resolve) => {
    this.#begin = resolve
  })

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
    const http = new Http({ mount, csrfToken, env })
    this.#requests = new Requests(http)
    this.api = new Api(http)
    this.#connection = new Connection({ mount, requests: this.#requests, env })
    this.bell = new OwnerBell(this.#connection, env)
    const ask = this.#connection.ask.bind(this.#connection)
    const delivery = new Delivery({ ask, requests: this.#requests, env })
    this.branches = new Branches({ ask, tab, env, tell: () => this.#surroundings() })
    const resolve = delivery.resolve.bind(delivery)
    this.#resolving = new Resolving({ resolve, tab, env })
    this.#calls = new Calls({
      ...{ tools, tab, context, env, ask },
      answer: (command, interrupt) => delivery.answer(command, interrupt),
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

  /** @override */
  get threadId() {
    return this.#subscription?.state.threadId ?? null
  }

  get thread() {
    return this.#subscription?.state.thread ?? null
  }

  /**
   * Oldest first; what has not changed is identical to what it was.
   *
   * @returns {readonly import("./typed.js").Message<T>[]}
   */
  get messages() {
    return /** @type {readonly any[]} */ (this.#shown)
  }

  /** The same, whatever the tools. */
  get #shown() {
    return this.#subscription?.state.messages ?? NO_MESSAGES
  }

  /**
   * What the thread asks of the outside, in the order of the calls; each with its call.
   *
   * @returns {readonly import("./typed.js").OpenInterrupt<T>[]}
   */
  get interrupts() {
    return /** @type {readonly any[]} */ (openInterrupts(this.#shown))
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
    this.#begin()
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
   * @param {{ attachments?: string[] }} [options] the ids of files that were uploaded for it
   * @returns {Promise<import("./drafts.js").Sent>} when the server has it; rejects with a `ChatKitError`
   */
  send(text, { attachments = [] } = {}) {
    const assistant = this.#assistant || (this.thread?.assistant ?? "")
    const files = attachments.length > 0 ? { attachments } : {}
    return this.#writing.send({ assistant, text, ...files, viewer: this.viewer })
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
    const { run, threadId: thread } = this
    if (run === null || thread === null) {
      throw new ChatKitError("nothing_to_retry", "There is no run to retry.")
    }
    return this.branches.retry(thread, run.id)
  }

  /**
   * Answer what is asked: all of it or, if one does not fit, nothing. Nothing changes here before the
   * server says so.
   *
   * @override
   * @param {InterruptAnswer | readonly InterruptAnswer[]} answers of one run, in any order
   * @returns {Promise<import("./interrupts.js").Resolved>} when the server has them; rejects with a
   *   `ChatKitError`, whose `errors` say what is wrong (`answer_invalid`)
   */
  async resolve(answers) {
    const list = /** @type {InterruptAnswer[]} */ ([answers].flat())
    return this.#resolving.ask(this.threadId, list)
  }

  /** Is an answer to it on its way, or taken and not shown yet? @param {string} interrupt its id */
  isResolving(interrupt) {
    return this.#resolving.has(interrupt)
  }

  /** What a call's arguments say so far, while they stream. @param {import("./typed.js").AnyCall} part */
  partialInput(part) {
    return partialInput(part)
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
  async #say({ id, thread, assistant, text, attachments }, options) {
    if (this.state === "closed") await this.#begun
    const files = attachments ? { attachments } : {}
    const said = { assistant, text, tab: this.tab, ...files, ...this.#surroundings() }
    return this.#connection.ask({ type: "send", id, thread, ...said }, options)
  }

  #surroundings() {
    const page = tellPage(this.#page, (error) => this.#report(error))
    const { declared } = this.tools
    return { page, ...(declared.length > 0 ? { tools: declared } : {}) }
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
    subscription.addEventListener("told", (event) => {
      if (subscription === this.#subscription) this.#tell(detailOf(event))
    })
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
    this.#resolving.settle(state.messages)
    this.#changed()
  }

  /** @param {Telling} telling */
  #tell({ type, detail }) {
    const whose = type === "effect" ? { isOurs: detail.tab === this.tab } : {}
    this.dispatchEvent(new CustomEvent(type, { detail: { ...detail, ...whose } }))
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
    this.#resolving.addEventListener("change", () => {
      this.#resolving.settle(this.#shown)
      this.#changed()
    })
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
