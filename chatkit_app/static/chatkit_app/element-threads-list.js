// The drawer with the viewer's threads: opened over the chat, closed by Escape, a choice or a click.

import { roundButton } from "./element-composer.js"
import { h, ICONS, setAttribute } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {import("./element-types.js").ThreadEntry} ThreadEntry */

/**
 * @typedef {object} DrawerHost
 * @property {() => string | null} current the id of the thread that is shown
 * @property {ClientShape["listThreads"]} list
 * @property {(id: string) => void} open
 * @property {() => void} closed
 * @property {() => string} language a BCP 47 tag
 */

export class ThreadsDrawer {
  #words
  #host
  #list = h("ul", { class: "threads" })
  #note = h("p", { class: "drawer-note", role: "status" })
  #more
  #panel
  /** @type {string | null} */
  #next = null
  #load = 0

  /**
   * @param {Words} words
   * @param {DrawerHost} host
   */
  constructor(words, host) {
    this.#words = words
    this.#host = host
    const close = roundButton("quiet", words("close"), ICONS.close)
    close.addEventListener("click", () => this.close())
    this.#more = h(
      "button",
      { type: "button", class: "more", hidden: true },
      words("more"),
    )
    this.#more.addEventListener("click", () => this.#loadMore())
    this.#panel = h(
      "div",
      { class: "drawer-panel", role: "dialog", "aria-modal": "true", part: "drawer" },
      h("div", { class: "drawer-head" }, h("h2", {}, words("threads")), close),
      h("div", { class: "drawer-body" }, this.#list, this.#note, this.#more),
    )
    this.#panel.setAttribute("aria-label", words("threads"))
    this.element = h("div", { class: "drawer", hidden: true }, this.#panel)
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.close()
    })
    this.element.addEventListener("keydown", (event) => this.#pressed(event))
  }

  get isOpen() {
    return !this.element.hidden
  }

  open() {
    this.element.hidden = false
    this.#list.replaceChildren()
    this.#next = null
    this.#panel.querySelector("button")?.focus()
    return this.#loadPage(null)
  }

  close() {
    if (!this.isOpen) return
    this.#load += 1
    this.element.hidden = true
    this.#host.closed()
  }

  async #loadMore() {
    const count = this.#list.children.length
    await this.#loadPage(this.#next)
    this.#buttons()[count]?.focus()
  }

  /** @param {string | null} cursor */
  async #loadPage(cursor) {
    this.#load += 1
    const load = this.#load
    this.#more.hidden = true
    this.#note.textContent = this.#words("loading")
    try {
      const page = await this.#host.list(cursor ? { cursor } : {})
      if (load !== this.#load) return
      this.#list.append(...page.threads.map((thread) => this.#entry(thread)))
      this.#next = page.next
      this.#more.hidden = page.next === null
      this.#note.textContent = this.#list.children.length
        ? ""
        : this.#words("noThreads")
      if (cursor === null) this.#list.querySelector("button")?.focus()
    } catch {
      if (load === this.#load) this.#note.textContent = this.#words("errorUnknown")
    }
  }

  /** @param {ThreadEntry} thread */
  #entry(thread) {
    const button = h(
      "button",
      { type: "button", class: "thread" },
      h(
        "span",
        { class: "thread-title", dir: "auto" },
        thread.title || this.#words("untitled"),
      ),
    )
    if (thread.lastActivityAt) button.append(this.#time(thread.lastActivityAt))
    const isCurrent = thread.id === this.#host.current()
    setAttribute(button, "aria-current", isCurrent ? "true" : null)
    button.addEventListener("click", () => {
      this.close()
      this.#host.open(thread.id)
    })
    return h("li", {}, button)
  }

  /** @param {string} moment */
  #time(moment) {
    const text = sinceWords(new Date(moment), new Date(), this.#host.language())
    return h("time", { datetime: moment }, text)
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === "Escape") {
      event.preventDefault()
      event.stopPropagation()
      this.close()
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.#move(event, event.key === "ArrowDown" ? 1 : -1)
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} step
   */
  #move(event, step) {
    const buttons = this.#buttons()
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target))
    const next = buttons[at + step]
    if (!next) return
    event.preventDefault()
    next.focus()
  }

  #buttons() {
    return [...this.#list.querySelectorAll("button")]
  }
}

/** @type {readonly [Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = Object.freeze([
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
])

/**
 * When it was, as people say it: "2 hours ago", a date when it is long ago.
 *
 * @param {Date} moment
 * @param {Date} now
 * @param {string} language
 */
export function sinceWords(moment, now, language) {
  const seconds = (moment.getTime() - now.getTime()) / 1000
  if (!Number.isFinite(seconds)) return ""
  const format = formatFor(language)
  if (seconds < -7 * 86_400) return format.date.format(moment)
  for (const [unit, length] of UNITS) {
    if (-seconds >= length)
      return format.since.format(Math.round(seconds / length), unit)
  }
  return format.since.format(0, "second")
}

/** @param {string} language one that no browser knows falls back to its own */
function formatFor(language) {
  const known = isLanguage(language) ? language : undefined
  return {
    date: new Intl.DateTimeFormat(known, { dateStyle: "medium" }),
    since: new Intl.RelativeTimeFormat(known, { numeric: "auto" }),
  }
}

/** @param {string} language */
function isLanguage(language) {
  try {
    return Intl.getCanonicalLocales(language).length > 0
  } catch {
    return false
  }
}
