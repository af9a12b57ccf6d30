// <chatkit-thread>: the chat as people see it, a skin over a client that works without DOM.

import { ChatKitClient } from "./client.js"
import { Announcer } from "./element-announcer.js"
import { ComposerView } from "./element-composer.js"
import { Calm, codeFor, connectionWords } from "./element-connection.js"
import { Frame } from "./element-frame.js"
import { ThreadMemory } from "./element-memory.js"
import { MessagesView } from "./element-messages.js"
import { BottomKeeper } from "./element-scroll.js"
import { errorWords, readList, readTable, wordsFrom } from "./element-strings.js"
import { ThreadsDrawer } from "./element-threads-list.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */

/**
 * @typedef {object} Views
 * @property {Frame} frame
 * @property {MessagesView} messages
 * @property {ComposerView} composer
 * @property {Announcer} announcer
 * @property {ThreadsDrawer} drawer
 * @property {BottomKeeper} keeper
 */

const TOUCHES = Object.freeze(["focusin", "pointerdown"])

export class ThreadElement extends HTMLElement {
  static observedAttributes = ["heading", "simulated", "thread"]

  /**
   * Register the element, once however often it is asked for.
   *
   * @param {string} [tag]
   * @param {CustomElementRegistry} [registry]
   */
  static define(tag = "chatkit-thread", registry = customElements) {
    // biome-ignore lint/complexity/noThisInStatic: a subclass registers itself, not its parent
    if (!registry.get(tag)) registry.define(tag, this)
  }

  /** Handed to the tools' handlers, never sent: put in it what they need. @type {Record<string, unknown>} */
  context = {}

  /** What is told of this page with each message. @type {() => Record<string, unknown>} */
  page = () => ({ path: location.pathname, title: document.title })

  /** @type {ChatKitClient | null} */
  #client = null
  /** @type {ThreadMemory | null} */
  #memory = null
  /** @type {Views | null} */
  #views = null
  /** @type {Words} */
  #words = wordsFrom({})
  #isScheduled = false
  /** What was last said to be wrong with the connection. */
  #trouble = ""
  #calm = new Calm(() => this.#changed())
  #isUntouched = false

  /** The client beneath: made on first use, so that tools can be registered at once. */
  get client() {
    this.#client ??= this.#makeClient()
    return this.#client
  }

  /** The registry of this page's tools. */
  get tools() {
    return this.client.tools
  }

  /**
   * Where the client comes from; a subclass may bring its own.
   *
   * @param {ConstructorParameters<typeof ChatKitClient>[0]} options
   * @returns {ChatKitClient}
   */
  makeClient(options) {
    return new ChatKitClient(options)
  }

  connectedCallback() {
    this.#views ??= this.#draw()
    this.#render()
    if (this.client.threadId !== null) return this.#connect()
    // Whoever only passes by a page with a chat becomes no visitor: that waits for a first touch.
    this.#isUntouched = true
    for (const type of TOUCHES) this.addEventListener(type, this.#connect)
  }

  disconnectedCallback() {
    this.#isUntouched = false
    // Moved within the page, it is connected again before this runs.
    queueMicrotask(() => {
      if (!this.isConnected) this.#client?.close()
    })
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} after
   */
  attributeChangedCallback(name, before, after) {
    if (before === after || !this.#client) return
    if (name === "thread" && after) this.#open(after)
    else this.#changed()
  }

  #connect = () => {
    this.#isUntouched = false
    for (const type of TOUCHES) this.removeEventListener(type, this.#connect)
    this.client.connect()
  }

  /** When it is known whether there is a connection. */
  async #settled() {
    while (this.client.state === "connecting") {
      await new Promise((done) =>
        this.client.addEventListener("change", done, { once: true }),
      )
    }
  }

  #makeClient() {
    const url = this.getAttribute("url") ?? "/chatkit/"
    const assistant = this.getAttribute("assistant") ?? ""
    this.#memory = new ThreadMemory(url, assistant)
    const client = this.makeClient({
      url,
      assistant,
      thread: this.getAttribute("thread") || this.#memory.threadId,
      context: this.context,
      page: () => this.page(),
      csrfToken: this.getAttribute("csrf-token") ?? "",
    })
    client.addEventListener("change", () => this.#changed())
    client.addEventListener("error", (event) => this.#failed(event))
    client.addEventListener("toolcall", (event) => this.#asked(event))
    return client
  }

  /** @returns {Views} */
  #draw() {
    const table = document.getElementById(this.getAttribute("strings") ?? "")
    const words = wordsFrom(readTable(table?.textContent))
    this.#words = words
    const frame = new Frame(words, this, {
      newChat: () => this.#newChat(),
      openThreads: () => this.#openThreads(),
      toBottom: () => keeper.toBottom({ isSmooth: true }),
      loadEarlier: () => this.#loadEarlier(),
      reconnect: () => this.#reconnect(),
      suggest: (text) => this.#suggested(text),
    })
    const messages = new MessagesView(words, {
      retry: () => this.#retry(),
      name: () => this.getAttribute("heading") || words("assistant"),
    })
    const composer = new ComposerView(
      words,
      { send: (text) => void this.#send(text), stop: () => this.#stop() },
      this.getAttribute("placeholder") || words("placeholder"),
    )
    const announcer = new Announcer(words)
    const drawer = new ThreadsDrawer(words, {
      current: () => this.client.threadId,
      list: async (options) => {
        await this.#settled()
        return this.client.listThreads(options)
      },
      open: (id) => this.#choose(id),
      closed: () => frame.setCovered(false),
      language: () => this.closest("[lang]")?.getAttribute("lang") ?? "",
    })
    frame.fill({
      greeting: this.getAttribute("greeting") || words("greeting"),
      suggestions: readList(this.getAttribute("suggestions")),
      messages: messages.element,
      composer: composer.element,
      drawer: drawer.element,
      announcer: announcer.element,
    })
    const keeper = new BottomKeeper(frame.scroller, frame.column, (isAtBottom) =>
      frame.setAtBottom(isAtBottom),
    )
    announcer.opening()
    return { frame, messages, composer, announcer, drawer, keeper }
  }

  #changed() {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const run = () => {
      this.#isScheduled = false
      this.#render()
    }
    // A hidden page gets no frames, and its announcements and its title still matter.
    if (document.hidden) setTimeout(run)
    else requestAnimationFrame(run)
  }

  #render() {
    const client = this.client
    const views = this.#views
    if (!views) return
    // A script of the page may open a thread or send before anybody has touched the chat.
    const isAsked = client.threadId !== null || client.pendingMessages.length > 0
    if (this.#isUntouched && isAsked) this.#connect()
    this.#remember(client)
    this.#takeBack(client, views)
    const isCalm = this.#calm.isCalm(client)
    const connection = isCalm ? "" : connectionWords(this.#words, client)
    views.frame.update(client, connection)
    views.messages.render(client)
    views.composer.update(client)
    views.announcer.follow(client)
    if (!isCalm) this.#tellConnection(connection, client, views)
  }

  /**
   * What was refused comes back into the field, with the reason.
   *
   * @param {ClientShape} client
   * @param {Views} views
   */
  #takeBack(client, { composer }) {
    for (const { clientId, text, state, error } of client.pendingMessages) {
      if (state !== "refused") continue
      client.discard(clientId)
      composer.giveBack(text, this.#reason(error))
    }
  }

  /** @param {ClientShape} client */
  #remember({ threadId, error }) {
    if (!this.#memory || error?.code === "thread_not_found") return
    if (threadId !== this.#memory.threadId) this.#memory.threadId = threadId
  }

  /**
   * @param {string} text
   * @param {ClientShape} client
   * @param {Views} views
   */
  #tellConnection(text, client, { announcer }) {
    if (text === this.#trouble || text === this.#words("connecting")) return
    if (text !== "") announcer.say(text)
    else if (client.state === "open") announcer.say(this.#words("connected"))
    else return
    this.#trouble = text
  }

  /** @param {string} text */
  async #send(text) {
    this.#views?.keeper.toBottom()
    await this.client.send(text).catch(() => {}) // the list of what is pending says why
  }

  /** @param {unknown} error */
  #reason(error) {
    const {
      code = "",
      message = "",
      retryMs = null,
    } = /** @type {{ code?: string, message?: string, retryMs?: number | null }} */ (
      error ?? {}
    )
    const known = codeFor(code, this.client.viewer)
    const reason = errorWords(
      this.#words,
      known,
      message || this.#words("errorUnknown"),
    )
    const refused = this.#words("refused", { reason })
    if (!retryMs) return refused
    const seconds = Math.ceil(retryMs / 1000)
    return `${refused} ${this.#words("refusedAgain", { seconds })}`
  }

  #reconnect() {
    this.#views?.composer.focus() // the button goes away
    this.client.connect()
  }

  #stop() {
    this.#try(() => this.client.cancel())
  }

  #retry() {
    this.#views?.composer.focus() // the button goes away
    this.#views?.keeper.toBottom()
    this.#try(() => this.client.retry())
  }

  /** @param {() => Promise<unknown>} ask */
  async #try(ask) {
    try {
      await ask()
    } catch (error) {
      this.#views?.composer.notify(this.#reason(error))
    }
  }

  /** @param {string} text */
  #suggested(text) {
    this.#views?.composer.focus()
    void this.#send(text)
  }

  #newChat() {
    this.client.newThread()
    this.#shown()
  }

  /** @param {string} id */
  #open(id) {
    if (id !== this.client.threadId) this.client.openThread(id)
    this.#shown()
  }

  /** @param {string} id */
  #choose(id) {
    this.#open(id)
    this.#views?.composer.focus()
  }

  /** Another thread is there: nothing of the old one's surroundings stays. */
  #shown() {
    this.#views?.announcer.opening()
    this.#views?.composer.notify("")
    this.#views?.composer.focus()
    this.#render()
    this.#views?.keeper.toBottom()
  }

  #openThreads() {
    this.#views?.frame.setCovered(true)
    void this.#views?.drawer.open()
  }

  async #loadEarlier() {
    const views = this.#views
    if (!views) return
    views.frame.setLoadingEarlier(true)
    await this.#try(() => this.client.loadEarlier())
    views.keeper.holdWhile(() => {
      views.frame.setLoadingEarlier(false)
      this.#render()
    })
  }

  /** @param {Event} event */
  #failed(event) {
    const { code } = /** @type {CustomEvent<{ code: string }>} */ (event).detail ?? {}
    if (code === "thread_not_found") this.#forget()
    this.#changed()
  }

  /** The remembered thread is gone, or of somebody who has logged out: begin a new one, quietly. */
  #forget() {
    if (this.#memory) this.#memory.threadId = null
    this.client.newThread()
    this.#views?.announcer.opening()
  }

  /** @param {Event} event the client's: a tool is about to run in this page */
  #asked(event) {
    const { detail } = /** @type {CustomEvent<unknown>} */ (event)
    const own = new CustomEvent("chatkit-tool-call", {
      detail,
      bubbles: true,
      composed: true,
      cancelable: true,
    })
    if (!this.dispatchEvent(own)) event.preventDefault()
  }
}
