// What a tool tells while it works: how far it is, what it has so far, and a notice. All of it is text.

import { h, setAttribute, setText } from "./element-dom.js"
import { ValuesView } from "./element-values.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./types.js").Progress} Progress */
/** @typedef {import("./types.js").ToolNotice} ToolNotice */

const LEVELS = Object.freeze({
  info: "noticeInfo",
  warning: "noticeWarning",
  danger: "noticeDanger",
})

/** @param {ToolNotice} notice */
export function noticeLevel({ level }) {
  return Object.hasOwn(LEVELS, level) ? level : "info"
}

export class ToldView {
  #words
  #progress = h("div", { class: "tool-progress", hidden: true })
  #text = h("bdi")
  #bar = h("progress", { max: 1 })
  #notice = h("div", { class: "tool-notice", hidden: true })
  #noticeLevel = h("span", { class: "unseen" })
  #noticeTitle = h("strong", { dir: "auto" })
  #noticeText = h("bdi")
  /** Stays in sight while what follows scrolls by. */
  #now = h("div", { class: "tool-now", hidden: true }, this.#notice, this.#progress)
  #soFar = h("div", { class: "tool-so-far", hidden: true })
  #values

  /**
   * @param {Words} words
   * @param {(name: string, otherwise: string) => string} nameOf
   */
  constructor(words, nameOf) {
    this.#words = words
    this.#values = new ValuesView(words, nameOf)
    this.#progress.append(h("span", {}, this.#text), this.#bar)
    this.#notice.append(
      this.#noticeLevel,
      this.#noticeTitle,
      h("p", {}, this.#noticeText),
    )
    // It is bounded in height and scrolls, so it can be gone to.
    for (const [name, value] of Object.entries({
      tabindex: 0,
      role: "region",
      "aria-label": words("preliminary"),
    }))
      setAttribute(this.#values.element, name, value)
    this.#soFar.append(h("h4", {}, words("preliminary")), this.#values.element)
    this.element = h("div", { class: "tool-told" }, this.#now, this.#soFar)
  }

  /**
   * @param {Progress | null} progress
   * @param {{ isBusy: boolean, title: string }} call
   */
  update(progress, { isBusy, title }) {
    this.#drawProgress(isBusy ? progress : null, title)
    this.#drawNotice(progress?.notice ?? null)
    this.#now.hidden = this.#notice.hidden && this.#progress.hidden
    this.#values.update(progress?.preliminary ?? null)
    this.#soFar.hidden = this.#values.element.hidden
  }

  /** @param {Progress | null} progress @param {string} title */
  #drawProgress(progress, title) {
    const { text = "", fraction = null } = progress ?? {}
    this.#progress.hidden = text === "" && fraction === null
    setText(this.#text, text)
    setAttribute(this.#bar, "value", fraction)
    setAttribute(this.#bar, "aria-label", text || title)
  }

  /** @param {ToolNotice | null} notice */
  #drawNotice(notice) {
    this.#notice.hidden = notice === null
    if (notice === null) return
    const level = noticeLevel(notice)
    setAttribute(this.#notice, "data-level", level)
    setText(this.#noticeLevel, `${this.#words(LEVELS[level])}: `)
    setText(this.#noticeTitle, notice.title)
    setText(this.#noticeText, notice.text)
  }
}
