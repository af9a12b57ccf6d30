// The messages of a thread: a view per message and per part, each kept as long as its thing is.

import { h, ICONS, icon, KeyedChildren, setAttribute, setText } from "./element-dom.js"
import { MarkdownView } from "./element-markdown.js"
import { hasEndedEarly, RunView } from "./element-run.js"
import { ToolCallView } from "./element-tool-call.js"
import { isOpenCall, resultOf } from "./element-tool-words.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").Run} Run */

/**
 * @typedef {object} PartView
 * @property {HTMLElement} element
 * @property {(part: Part, message: Message, client: ClientShape) => void} update
 */

export class MessagesView {
  #words
  #children
  #pending
  #status
  #log

  /**
   * @param {Words} words
   * @param {{ retry: () => void, name: () => string }} host
   */
  constructor(words, host) {
    this.#words = words
    this.#log = h("div", { class: "messages", role: "log", "aria-live": "off" })
    const pending = h("div", { class: "pending" })
    /** @type {KeyedChildren<Message, MessageView>} */
    this.#children = new KeyedChildren(
      this.#log,
      (message) => new MessageView(words, message, host.name),
    )
    /** @type {KeyedChildren<{ clientId: string, text: string }, Bubble>} */
    this.#pending = new KeyedChildren(pending, ({ text }) => userBubble(words, text))
    this.#status = new RunView(words, host.retry)
    this.element = h("div", {}, this.#log, pending, this.#status.element)
  }

  /** @param {ClientShape} client */
  render(client) {
    setAttribute(this.#log, "aria-label", this.#words("heading"))
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
  }
}

class MessageView {
  #children
  #body
  #note = h("p", { class: "note", hidden: true })
  #words
  /** @type {Message | null} */
  #drawn = null

  /**
   * @param {Words} words
   * @param {Message} message
   * @param {() => string} nameOfAssistant
   */
  constructor(words, message, nameOfAssistant) {
    this.#words = words
    const isUser = message.role === "user"
    this.#body = h("div", {
      class: isUser ? "bubble" : "answer",
      part: isUser ? "bubble" : "answer",
    })
    /** @type {KeyedChildren<Part, PartView>} */
    this.#children = new KeyedChildren(this.#body, (part) =>
      viewOf(part, isUser, words),
    )
    this.element = h(
      "article",
      { class: "message", "data-role": message.role, "data-id": message.id },
      h("h3", { class: "unseen" }, isUser ? words("you") : nameOfAssistant()),
      this.#body,
      this.#note,
    )
  }

  /**
   * @param {Message} message
   * @param {ClientShape} client
   */
  update(message, client) {
    this.#drawNote(message, client.run)
    const hasOpenCall = message.parts.some(isOpenCall)
    // An unchanged message is the same object; its open calls also depend on the page's handlers.
    if (message === this.#drawn && !hasOpenCall) return
    this.#drawn = message
    this.#children.render(
      message.parts.filter((part) => part.type !== "tool-result" && !isEmpty(part)),
      (part) => part.partId,
      (view, part) => view.update(part, message, client),
    )
  }

  /**
   * The newest run tells of its own end below; older answers say it themselves.
   *
   * @param {Message} message
   * @param {Run | null} run
   */
  #drawNote(message, run) {
    const isTold = message.runId === run?.id && hasEndedEarly(run)
    this.#note.hidden = message.status !== "interrupted" || isTold
    setText(this.#note, this.#note.hidden ? "" : this.#words("interrupted"))
  }
}

/** @param {Part} part */
function isEmpty(part) {
  return (part.type === "text" || part.type === "reasoning") && part.content === ""
}

/**
 * @param {Part} part
 * @param {boolean} isUser
 * @param {Words} words
 * @returns {PartView}
 */
function viewOf(part, isUser, words) {
  if (part.type === "tool-call") return toolPartView(words)
  if (part.type === "reasoning") return reasoningView(words)
  if (part.type === "text" && !isUser) return textView(words)
  if (part.type === "text") return plainView()
  return { element: h("div", { hidden: true }), update: () => {} } // of a newer server
}

/** @returns {PartView} */
function plainView() {
  const element = h("div", { class: "plain", dir: "auto" })
  return {
    element,
    update: (part) => setText(element, part.type === "text" ? part.content : ""),
  }
}

/**
 * @param {Words} words
 * @returns {PartView}
 */
function textView(words) {
  const view = new MarkdownView(words)
  return {
    element: view.element,
    update(part) {
      if (part.type === "text") {
        setAttribute(view.element, "data-streaming", part.state === "streaming")
        view.update(part.content, { isWhole: part.state !== "streaming" })
      }
    },
  }
}

/**
 * @param {Words} words
 * @returns {PartView}
 */
function reasoningView(words) {
  const view = new MarkdownView(words)
  const label = h("span")
  const element = h(
    "details",
    { class: "reasoning" },
    h("summary", {}, h("span", { class: "tool-chevron" }, icon(ICONS.chevron)), label),
    view.element,
  )
  return {
    element,
    update(part) {
      if (part.type !== "reasoning") return
      const isWhole = part.state !== "streaming"
      setAttribute(element, "data-streaming", !isWhole)
      setText(label, words(isWhole ? "thoughts" : "thinking"))
      view.update(part.content, { isWhole })
    },
  }
}

/**
 * @param {Words} words
 * @returns {PartView}
 */
function toolPartView(words) {
  const view = new ToolCallView(words)
  return {
    element: view.element,
    update(part, message, client) {
      if (part.type !== "tool-call") return
      view.update(part, {
        result: resultOf(message, part.id),
        hasHandler: client.tools.has(part.name),
        tab: client.tab,
      })
    },
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
