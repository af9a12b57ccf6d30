// The messages of a thread: a view per message and per part, each kept as long as its thing is.

import {
  h,
  hasFocus,
  isDisabled,
  KeyedChildren,
  setAttribute,
  setText,
} from "./element-dom.js"
import { MessageView } from "./element-message.js"
import { RunView } from "./element-run.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {import("./element-message.js").MessageHost} MessageHost */
/** @typedef {import("./types.js").Message} Message */

/**
 * @typedef {object} OwnHost
 * @property {() => void} retry
 * @property {(message: Message) => void} turned another branch is shown, from this message on
 * @property {(element: HTMLElement, top: number) => void} keepAt where the reader has it
 * @property {() => void} focusLost what had the focus is gone
 */

/** @typedef {MessageHost & OwnHost} MessagesHost */

export class MessagesView {
  #words
  #children
  #pending
  #status
  #log
  #host
  /** The branch that was asked for, and by which arrow. @type {{ id: string, step: 1 | -1 } | null} */
  #awaited = null

  /**
   * @param {Words} words
   * @param {MessagesHost} host
   */
  constructor(words, host) {
    this.#words = words
    this.#host = host
    this.#log = h("div", { class: "messages", role: "log", "aria-live": "off" })
    const pending = h("div", { class: "pending" })
    /** @type {KeyedChildren<Message, MessageView>} */
    this.#children = new KeyedChildren(
      this.#log,
      (message) =>
        new MessageView(words, message, {
          ...host,
          show: (id, step) => this.#show(id, step),
        }),
    )
    /** @type {KeyedChildren<{ clientId: string, text: string }, Bubble>} */
    this.#pending = new KeyedChildren(pending, ({ text }) =>
      userBubble(words, text || words("sendingFiles")),
    )
    this.#status = new RunView(words, host.retry)
    this.element = h("div", {}, this.#log, pending, this.#status.element)
  }

  /** @param {ClientShape} client */
  render(client) {
    setAttribute(this.#log, "aria-label", this.#words("heading"))
    const hadFocus = hasFocus(this.#log)
    const top = this.#topOfAwaited(client)
    this.#children.render(
      client.messages,
      (message) => message.id,
      (view, message) => view.update(message, client),
    )
    const shown = new Set(client.messages.map((message) => message.clientId))
    this.#pending.render(
      client.pendingMessages.filter(
        ({ clientId, state }) => state === "sending" && !shown.has(clientId),
      ),
      ({ clientId }) => clientId,
      ({ note }) =>
        setText(
          note,
          this.#words(client.state === "open" ? "sending" : "sendingLater"),
        ),
    )
    this.#status.update(client)
    if (top !== null) this.#turn(client, top)
    if (hadFocus && !hasFocus(this.#log)) this.#host.focusLost()
  }

  /**
   * @param {string} id
   * @param {1 | -1} step
   */
  async #show(id, step) {
    this.#awaited = { id, step }
    try {
      await this.#host.show(id, step)
    } catch (error) {
      this.#awaited = null
      throw error
    }
  }

  /**
   * Where the message stands in whose place the awaited one comes, if it comes now.
   *
   * @param {ClientShape} client
   */
  #topOfAwaited({ messages }) {
    const { id } = this.#awaited ?? {}
    const awaited = messages.find((message) => message.id === id)
    if (!awaited) return null
    const before = awaited.siblings.map((other) => this.#articleOf(other)).find(Boolean)
    return before?.getBoundingClientRect().top ?? null
  }

  /**
   * The arrow stays where the reader has it, and keeps the focus.
   *
   * @param {ClientShape} client
   * @param {number} top
   */
  #turn({ messages }, top) {
    const { id, step } = /** @type {{ id: string, step: 1 | -1 }} */ (this.#awaited)
    this.#awaited = null
    const message = messages.find((found) => found.id === id)
    const article = this.#articleOf(id)
    if (!message || !article) return
    this.#host.keepAt(article, top)
    const arrow = [step, -step]
      .map((at) => article.querySelector(`.branches [data-step="${at}"]`))
      .find((found) => found && !isDisabled(found))
    if (arrow instanceof HTMLElement) arrow.focus({ preventScroll: true })
    this.#host.turned(message)
  }

  /** @param {string} id @returns {HTMLElement | null} */
  #articleOf(id) {
    return this.#log.querySelector(`[data-id="${CSS.escape(id)}"]`)
  }

  /**
   * What was looked for: it has the focus, and is marked until something else is.
   *
   * @param {string} id
   * @returns {HTMLElement | null} null where it is not shown
   */
  mark(id) {
    this.#log.querySelector("[data-found]")?.removeAttribute("data-found")
    const article = this.#articleOf(id)
    article?.setAttribute("data-found", "")
    article?.setAttribute("tabindex", "-1")
    article?.focus({ preventScroll: true })
    return article
  }

  /** Where the topmost thing is that waits for the visitor's answer. @returns {HTMLElement | null} */
  firstAsking() {
    return this.#log.querySelector("[data-interrupt]")
  }
}

/** @typedef {{ element: HTMLElement, note: HTMLElement }} Bubble */

/**
 * @param {Words} words
 * @param {string} text
 * @returns {Bubble}
 */
function userBubble(words, text) {
  const note = h("p", { class: "note" })
  const element = h(
    "article",
    { class: "message", "data-role": "user", "data-pending": true },
    h("h3", { class: "unseen" }, words("you")),
    h(
      "div",
      { class: "bubble", part: "bubble" },
      h("div", { class: "plain", dir: "auto" }, text),
    ),
    note,
  )
  return { element, note }
}
