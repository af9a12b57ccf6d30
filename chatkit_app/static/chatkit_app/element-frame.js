// The chat's surroundings: head, banners, what is shown while it is empty, and the scroller.

import { roundButton } from "./element-composer.js"
import { canReconnect } from "./element-connection.js"
import { h, ICONS, icon, setAttribute, setText } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */

/**
 * @typedef {object} FrameHost
 * @property {() => void} newChat
 * @property {() => void} openThreads
 * @property {() => void} toBottom
 * @property {() => void} loadEarlier
 * @property {() => void} reconnect
 * @property {(text: string) => void} suggest
 */

/**
 * @typedef {object} Filling
 * @property {string} greeting
 * @property {readonly string[]} suggestions
 * @property {HTMLElement} messages
 * @property {readonly HTMLElement[]} docked what stands below the messages
 * @property {HTMLElement} drawer
 * @property {HTMLElement} announcer
 */

export class Frame {
  column = h("div", { class: "column" })
  #words
  #owner
  #host
  #heading = h("h2", { part: "heading" })
  #banner = h("p", { class: "banner", role: "note", part: "banner", hidden: true })
  #connectionText = h("span")
  #connection
  #reconnect
  #earlier
  #empty = h("div", { class: "empty" })
  #loading
  #jump
  #threads
  #chat

  /**
   * @param {Words} words
   * @param {HTMLElement} owner
   * @param {FrameHost} host
   */
  constructor(words, owner, host) {
    this.#words = words
    this.#owner = owner
    this.#host = host
    this.#threads = roundButton("quiet dotted", words("threads"), ICONS.menu)
    this.#threads.setAttribute("aria-haspopup", "dialog")
    this.#threads.addEventListener("click", host.openThreads)
    this.#reconnect = h(
      "button",
      { type: "button", onclick: host.reconnect },
      words("reconnect"),
    )
    this.#connection = h(
      "p",
      { class: "connection", hidden: true },
      this.#connectionText,
      this.#reconnect,
    )
    this.#earlier = h(
      "button",
      { type: "button", class: "earlier", hidden: true, onclick: host.loadEarlier },
      words("loadEarlier"),
    )
    this.#loading = h("p", { class: "loading", hidden: true }, words("loading"))
    this.#jump = h(
      "button",
      { type: "button", class: "jump", hidden: true, onclick: host.toBottom },
      icon(ICONS.down),
      words("toNewest"),
    )
    this.scroller = h("div", { class: "scroller", tabindex: -1 }, this.column)
    this.#chat = h("div", { class: "chat", hidden: true })
  }

  /** @param {Filling} filling */
  fill(filling) {
    this.#drawEmpty(filling)
    this.column.append(this.#earlier, this.#loading, this.#empty, filling.messages)
    this.#chat.append(
      h("header", { part: "header" }, this.#threads, this.#heading, this.#newButton()),
      this.#banner,
      this.#connection,
      this.scroller,
      h("div", { class: "dock" }, this.#jump, ...filling.docked),
    )
    const root = this.#owner.shadowRoot ?? this.#owner.attachShadow({ mode: "open" })
    const style = h("link", { rel: "stylesheet", href: this.#styleAddress() })
    // Undressed it is not shown; a style sheet that can't be had must not hide the chat for good.
    const show = () => {
      this.#chat.hidden = false
    }
    style.addEventListener("load", show)
    style.addEventListener("error", show)
    root.append(style, this.#chat, filling.drawer, filling.announcer)
  }

  /**
   * @param {ClientShape} client
   * @param {string} connection what is to be said of it
   */
  update(client, connection) {
    setText(
      this.#heading,
      this.#owner.getAttribute("heading") || this.#words("heading"),
    )
    this.#banner.hidden = !this.#owner.hasAttribute("simulated")
    setText(this.#banner, this.#words("simulated"))
    this.#showConnection(client, connection)
    const isEmpty = client.messages.length === 0 && client.pendingMessages.length === 0
    this.#loading.hidden = !(
      isEmpty &&
      client.threadId !== null &&
      client.thread === null
    )
    this.#empty.hidden = !(isEmpty && this.#loading.hidden)
    this.#earlier.hidden = !client.hasEarlier
  }

  /** @param {boolean} isUnread something was said in another thread */
  setUnread(isUnread) {
    setAttribute(this.#threads, "data-unread", isUnread)
    const label = this.#words(isUnread ? "threadsUnread" : "threads")
    setAttribute(this.#threads, "aria-label", label)
    setAttribute(this.#threads, "title", label)
  }

  /** @param {boolean} isAtBottom */
  setAtBottom(isAtBottom) {
    this.#jump.hidden = isAtBottom
  }

  /** @param {boolean} isLoading */
  setLoadingEarlier(isLoading) {
    setAttribute(this.#earlier, "aria-disabled", isLoading ? "true" : null)
    setText(this.#earlier, this.#words(isLoading ? "loading" : "loadEarlier"))
  }

  /**
   * Behind the open drawer nothing can be reached; when it closes, focus goes back to its button.
   *
   * @param {boolean} isCovered
   */
  setCovered(isCovered) {
    this.#chat.inert = isCovered
    if (!isCovered) this.#threads.focus()
  }

  /** @param {Filling} filling */
  #drawEmpty({ greeting, suggestions }) {
    const list = h("ul", { class: "suggestions" })
    for (const text of suggestions) {
      const button = h("button", { type: "button", dir: "auto" }, text)
      button.addEventListener("click", () => this.#host.suggest(text))
      button.addEventListener("focus", () => {
        // By keys alone: moved between press and release, it would not be clicked.
        if (button.matches(":focus-visible"))
          button.scrollIntoView({ block: "nearest", inline: "nearest" })
      })
      list.append(h("li", {}, button))
    }
    this.#empty.append(h("p", { class: "greeting", dir: "auto" }, greeting))
    if (suggestions.length) this.#empty.append(list)
  }

  #newButton() {
    const button = roundButton("quiet", this.#words("newChat"), ICONS.add)
    button.append(h("span", { class: "label" }, this.#words("newChat")))
    button.addEventListener("click", this.#host.newChat)
    return button
  }

  #styleAddress() {
    const named = this.#owner.getAttribute("stylesheet")
    return named || new URL("./chatkit.css", import.meta.url).href
  }

  /**
   * @param {ClientShape} client
   * @param {string} text
   */
  #showConnection(client, text) {
    this.#connection.hidden = text === ""
    if (text === "") return
    setAttribute(this.#connection, "data-state", client.state)
    this.#reconnect.hidden = !canReconnect(client)
    setText(this.#connectionText, text)
  }
}
