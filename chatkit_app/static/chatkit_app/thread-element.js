// <chatkit-thread>: the chat as people see it, a skin over a client that works without DOM.

import { ChatKitClient } from "./client.js"
import { asksOf } from "./element-asks.js"
import { LineTold, refusalWords } from "./element-connection.js"
import { goToHit } from "./element-finding.js"
import { ThreadMemory } from "./element-memory.js"
import { ThreadNews } from "./element-news.js"
import { tellPage } from "./element-page.js"
import { Reading } from "./element-reading.js"
import { readTable, wordsFrom } from "./element-strings.js"
import { drawViews } from "./element-views.js"
import { HINT_ID } from "./element-waiting.js"
import { ThreadList } from "./threads.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */

/** @typedef {import("./element-views.js").Hosts} Hosts */
/** @typedef {import("./element-views.js").Views} Views */
/** @typedef {import("./types.js").Message} Message */

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

  /** Handed to the tools' handlers, never sent: put in it what they need. */
  get context() {
    return this.#context
  }

  #context = /** @type {Record<string, unknown>} */ ({})

  /**
   * What is told of this page with each message: what its assistant has declared, and by itself nothing.
   * @type {() => Record<string, unknown>}
   */
  page = () => ({})

  /** @type {ChatKitClient | null} */
  #client = null
  /** @type {ThreadMemory | null} */
  #memory = null
  /** @type {Views | null} */
  #views = null
  /** @type {Words} */
  #words = wordsFrom({})
  #isScheduled = false
  #line = new LineTold(() => this.#changed())
  #isUntouched = false
  #reading = new Reading((thread) => this.client.api.markRead(thread))
  /** @type {ThreadNews | null} */
  #news = null

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
    this.#news ??= this.#makeNews()
    this.#news.begin()
    document.addEventListener("visibilitychange", this.#looked)
    if (this.client.threadId !== null) return this.#connect()
    // Whoever only passes by a page with a chat becomes no visitor: that waits for a first touch.
    this.#isUntouched = true
    for (const type of TOUCHES) this.addEventListener(type, this.#connect)
  }

  disconnectedCallback() {
    this.#isUntouched = false
    // Moved within the page, it is connected again before this runs.
    queueMicrotask(() => {
      if (this.isConnected) return
      this.#news?.end()
      document.removeEventListener("visibilitychange", this.#looked)
      this.#client?.close()
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

  #looked = () => this.#changed()

  #makeNews() {
    return new ThreadNews(this.client, {
      assistant: () => this.getAttribute("assistant") ?? "",
      changed: () => this.#views?.drawer.changed(),
      unread: (isUnread) => this.#views?.frame.setUnread(isUnread),
    })
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
    tellPage(client, this)
    return client
  }

  /** @returns {Views} */
  #draw() {
    const table = document.getElementById(this.getAttribute("strings") ?? "")
    this.#words = wordsFrom(readTable(table?.textContent))
    return drawViews(this.#words, this, this.#hosts())
  }

  /** @returns {Hosts} */
  #hosts() {
    const language = () => this.#language()
    return {
      frame: {
        newChat: () => this.#newChat(),
        openThreads: () => this.#openThreads(),
        loadEarlier: () => this.#loadEarlier(),
        reconnect: () => this.#reconnect(),
        suggest: (text) => this.#suggested(text),
      },
      messages: { ...this.#messagesHost(), language },
      drawer: {
        api: this.client.api,
        threads: new ThreadList(this.client.api, this.getAttribute("assistant") ?? ""),
        ready: () => this.#settled(),
        current: () => this.client.threadId,
        open: (id, hit) => this.#choose(id, hit),
        removed: (id) => this.#removed(id),
        reason: (error) => this.#reason(error, "notDone"),
        language,
      },
      composer: {
        send: (text, options) => void this.#send(text, options),
        stop: () => this.#stop(),
      },
      showWaiting: () => this.#showWaiting(),
      unarchive: async () => {
        if (this.client.threadId) await this.client.api.unarchive(this.client.threadId)
      },
    }
  }

  /** @returns {Omit<Hosts["messages"], "language">} */
  #messagesHost() {
    return {
      ...asksOf(this.client, (id) => this.#open(id)),
      retry: () => this.#retry(),
      name: () => this.getAttribute("heading") || this.#words("assistant"),
      resolve: (answer) => this.client.resolve(answer),
      reason: (error) => this.#reason(error),
      problem: (error) => this.#reason(error, "notDone"),
      turned: (message) => this.#turned(message),
      focusLost: () => this.#views?.composer.focus(),
    }
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
    const say = (/** @type {string} */ text) => views.announcer.say(text)
    views.frame.update(client, this.#line.follow(this.#words, client, say))
    views.messages.render(client)
    views.closed.update(client.thread)
    this.#reading.follow(client, !document.hidden)
    views.waiting.update(client.interrupts.filter(({ id }) => !client.isResolving(id)))
    views.composer.update(client)
    views.composer.describe(views.waiting.element.hidden ? null : HINT_ID)
    views.announcer.follow(client)
  }

  /**
   * What was refused comes back into the field, with the reason.
   *
   * @param {ClientShape} client
   * @param {Views} views
   */
  #takeBack(client, { composer }) {
    for (const pending of client.pendingMessages) {
      if (pending.state !== "refused") continue
      client.discard(pending.clientId)
      const reason = this.#reason(pending.error)
      composer.giveBack(pending.text, reason, pending.attachments)
    }
  }

  /** @param {ClientShape} client */
  #remember({ threadId, error }) {
    if (!this.#memory || error?.code === "thread_not_found") return
    if (threadId !== this.#memory.threadId) this.#memory.threadId = threadId
  }

  /** @param {string} text @param {{ attachments?: string[] }} [options] */
  async #send(text, options = {}) {
    this.#views?.keeper.toBottom()
    await this.client.send(text, options).catch(() => {}) // the list of what is pending says why
  }

  /** @param {unknown} error */
  #reason(error, frame = /** @type {"refused" | "notDone"} */ ("refused")) {
    return refusalWords(this.#words, error, this.client.viewer, frame)
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

  /** @param {string} id @param {import("./api.js").Hit | null} hit */
  #choose(id, hit) {
    this.#open(id)
    this.#views?.composer.focus()
    const { place } = this.#views ?? {}
    const draw = () => this.#render()
    if (hit && place) void this.#try(() => goToHit(hit, this.client, place, draw))
  }

  /** It is deleted: where it was shown, a new one begins, behind the list that is still open. */
  #removed(/** @type {string} */ id) {
    if (id !== this.client.threadId) return
    this.client.newThread()
    this.#views?.announcer.opening()
  }

  /** @param {Message} message the first one of another branch, which is not recited */
  #turned({ id, siblings }) {
    const values = { number: siblings.indexOf(id) + 1, count: siblings.length }
    this.#views?.announcer.opening()
    this.#views?.announcer.say(this.#words("branch", values))
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

  /** The language of the page around, for dates. */
  #language() {
    return this.closest("[lang]")?.getAttribute("lang") ?? ""
  }

  /** The reader is taken to the first thing that waits for their answer. */
  #showWaiting() {
    const asking = this.#views?.messages.firstAsking()
    asking?.scrollIntoView({ block: "start" })
    asking?.focus({ preventScroll: true })
  }
}
