// The drawer with the viewer's threads: opened over the chat, closed by Escape, a choice or a click.

import { roundButton } from "./element-composer.js"
import {
  h,
  hasFocus,
  ICONS,
  icon,
  KeyedChildren,
  setAttribute,
  setBusy,
  setText,
} from "./element-dom.js"
import { EntryView } from "./element-threads-entry.js"
import { Toast } from "./element-toast.js"

/** @typedef {import("./api.js").ThreadRow} ThreadRow */
/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./threads.js").ThreadList} ThreadList */

/**
 * @typedef {object} DrawerHost
 * @property {() => string | null} current the id of the thread that is shown
 * @property {ThreadList} threads
 * @property {() => Promise<void>} ready when it is known who asks
 * @property {(id: string, hit: import("./api.js").Hit | null) => void} open
 * @property {(id: string) => void} removed
 * @property {() => void} closed
 * @property {(error: unknown) => string} reason
 * @property {import("./element-threads-entry.js").EntryHost["share"]} share
 * @property {() => string} language a BCP 47 tag
 */

export class ThreadsDrawer {
  #words
  #host
  #threads
  #list = h("ul", { class: "threads" })
  #note = h("p", { class: "drawer-note", role: "status" })
  /** What was done, for who does not see it. */
  #said = h("p", { class: "unseen", role: "status" })
  #search
  #searchBox
  #open
  #archived
  #more
  #panel
  #toast
  /** @type {KeyedChildren<ThreadRow, EntryView>} */
  #entries
  /** What is unfolded in the list: one entry at most. @type {EntryView | null} */
  #unfolded = null
  /** The focus goes into the list, once it is there. */
  #isOpening = false

  /**
   * @param {Words} words
   * @param {DrawerHost} host
   */
  constructor(words, host) {
    this.#words = words
    this.#host = host
    this.#threads = host.threads
    this.#threads.addEventListener("change", () => this.#render())
    this.#search = h("input", {
      type: "search",
      dir: "auto",
      placeholder: words("searchThreads"),
      autocomplete: "off",
      enterkeyhint: "search",
      oninput: () => this.#threads.searchFor(this.#search.value),
    })
    this.#search.setAttribute("aria-label", words("searchThreads"))
    this.#searchBox = h("div", { class: "search" }, icon(ICONS.search), this.#search)
    this.#open = h("button", { type: "button" }, words("openThreads"))
    this.#archived = h("button", { type: "button" }, words("archivedThreads"))
    this.#open.addEventListener("click", () => this.#threads.showArchived(false))
    this.#archived.addEventListener("click", () => this.#threads.showArchived(true))
    this.#more = h("button", { type: "button", class: "more" }, words("more"))
    this.#more.addEventListener("click", () => this.#loadMore())
    const reason = host.reason
    this.#toast = new Toast(words, { reason, focus: () => this.#focusList() })
    this.#entries = new KeyedChildren(this.#list, (row) => this.#entry(row))
    this.#panel = this.#drawPanel()
    this.element = h("div", { class: "drawer", hidden: true }, this.#panel)
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.close()
    })
    this.element.addEventListener("keydown", (event) => this.#pressed(event))
  }

  get isOpen() {
    return !this.element.hidden
  }

  async open() {
    this.element.hidden = false
    this.#isOpening = true
    this.#panel.querySelector("button")?.focus()
    this.#render()
    await this.#host.ready()
    await this.#threads.refresh()
  }

  /** The list is another one: whoever looks at it sees that. */
  changed() {
    if (this.isOpen) void this.#threads.refresh()
  }

  close() {
    if (!this.isOpen) return
    this.element.hidden = true
    this.#isOpening = false
    this.#unfolded?.fold()
    this.#host.closed()
  }

  #drawPanel() {
    const words = this.#words
    const close = roundButton("quiet", words("close"), ICONS.close)
    close.addEventListener("click", () => this.close())
    const filter = h("div", { class: "filter", role: "group" })
    filter.setAttribute("aria-label", words("whichThreads"))
    filter.append(this.#open, this.#archived)
    const panel = h(
      "div",
      { class: "drawer-panel", role: "dialog", "aria-modal": "true", part: "drawer" },
      h("div", { class: "drawer-head" }, h("h2", {}, words("threads")), close),
      h("div", { class: "drawer-find" }, this.#searchBox, filter),
      h("div", { class: "drawer-body" }, this.#note, this.#list, this.#more),
      this.#said,
      this.#toast.element,
    )
    panel.setAttribute("aria-label", words("threads"))
    return panel
  }

  #render() {
    if (!this.isOpen) return
    const threads = this.#threads
    const place = this.#focusedPlace()
    const focused = focusedIn(this.#list)
    setAttribute(this.#searchBox, "aria-busy", threads.isLoading ? "true" : null)
    setAttribute(this.#open, "aria-pressed", String(!threads.isArchived))
    setAttribute(this.#archived, "aria-pressed", String(threads.isArchived))
    this.#entries.render(
      threads.rows,
      ({ id }) => id,
      (view, row, place) => {
        view.update(row)
        view.head(this.#headAt(place))
      },
    )
    this.#more.hidden = !(threads.isFound && threads.hasMore)
    setText(this.#note, this.#noteOf(threads.rows.length))
    this.#keepFocus(place, focused)
  }

  /** The name of the group that begins there: of the pinned ones, or of what stands below them. @param {number} place */
  #headAt(place) {
    const { rows, search, isFound } = this.#threads
    if (search || !isFound || !rows[0]?.pinned) return ""
    if (place === 0) return this.#words("pinnedThreads")
    const isFirst = rows[place - 1]?.pinned && !rows[place]?.pinned
    return isFirst ? this.#words("otherThreads") : ""
  }

  /** @param {number} count of the threads that are shown */
  #noteOf(count) {
    const { error, isFound, search, isArchived } = this.#threads
    if (error) return this.#host.reason(error)
    if (!isFound) return count > 0 ? this.#note.textContent : this.#words("loading")
    if (count > 0) return search ? this.#words("searchFound", { count }) : ""
    if (search) return this.#words("searchNothing", { search })
    return this.#words(isArchived ? "noArchivedThreads" : "noThreads")
  }

  /** @param {ThreadRow} row */
  #entry(row) {
    const threads = this.#threads
    const { reason, current, language, share } = this.#host
    /** @type {EntryView} */
    const view = new EntryView(this.#words, row, {
      ...{ reason, current, language, share },
      open: (chosen) => this.#chosen(chosen),
      rename: (id, title) => threads.rename(id, title),
      pin: (thread) => this.#pin(thread),
      archive: ({ id, status }) =>
        status === "archived" ? threads.unarchive(id) : threads.archive(id),
      remove: (thread) => this.#remove(thread),
      unfolds: () => this.#unfolds(view),
    })
    return view
  }

  /** @param {EntryView} view */
  #unfolds(view) {
    if (this.#unfolded !== view) this.#unfolded?.fold()
    this.#unfolded = view
  }

  /** @param {ThreadRow} row */
  #chosen({ id, hit }) {
    this.close()
    this.#host.open(id, hit ?? null)
  }

  /** @param {ThreadRow} row */
  async #pin({ id, title, pinned }) {
    await (pinned ? this.#threads.unpin(id) : this.#threads.pin(id))
    const name = title || this.#words("untitled")
    setText(this.#said, this.#words(pinned ? "unpinned" : "pinned", { title: name }))
  }

  /** @param {ThreadRow} row */
  async #remove({ id, title }) {
    const until = await this.#threads.remove(id)
    const name = title || this.#words("untitled")
    this.#toast.show(this.#words("removed", { title: name }), until, () =>
      this.#threads.restore(id),
    )
    this.#host.removed(id)
  }

  async #loadMore() {
    const count = this.#list.children.length
    setBusy(this.#more, true)
    await this.#threads.more()
    setBusy(this.#more, false)
    this.#buttons()[count]?.focus()
  }

  /** The number of the entry that has the focus; -1 where it is elsewhere. */
  #focusedPlace() {
    return [...this.#list.children].findIndex(hasFocus)
  }

  /**
   * An entry that moves keeps the focus; one that goes leaves it to the one in its place.
   *
   * @param {number} place where it was
   * @param {HTMLElement | null} focused
   */
  #keepFocus(place, focused) {
    if (focused?.isConnected) focused.focus()
    if (this.#isOpening && this.#threads.isFound) {
      this.#isOpening = false
      if (!hasFocus(this.#search)) this.#focusList()
    } else if (place >= 0 && this.#focusedPlace() < 0 && !hasFocus(this.#toast.element))
      this.#focusList(place)
  }

  /** @param {number} [place] the open thread's, or the first, where none is named */
  #focusList(place) {
    const buttons = this.#buttons()
    const current = buttons.find((button) => button.hasAttribute("aria-current"))
    const wanted = place === undefined ? (current ?? buttons[0]) : buttons[place]
    const button = wanted ?? buttons.at(-1) ?? this.#search
    button.focus()
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.defaultPrevented || event.isComposing) return
    if (event.key === "Escape") this.#escape()
    else if (event.key === "ArrowDown") this.#move(1)
    else if (event.key === "ArrowUp") this.#move(-1)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  #escape() {
    if (!hasFocus(this.#search) || this.#search.value === "") return this.close()
    this.#search.value = ""
    this.#threads.searchFor("")
  }

  /**
   * From the field to the threads that were found, among them, and back.
   *
   * @param {number} step
   */
  #move(step) {
    const buttons = this.#buttons()
    const at = hasFocus(this.#search) ? -1 : this.#focusedPlace()
    const next = at + step < 0 ? this.#search : buttons[at + step]
    next?.focus()
  }

  #buttons() {
    return /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll(".thread")])
  }
}

/** @param {HTMLElement} box @returns {HTMLElement | null} what in it has the focus */
function focusedIn(box) {
  return box.querySelector(":focus")
}
