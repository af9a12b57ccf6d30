// What was done and can be taken back, for as long as it can.

import { h, hasFocus, isDisabled, setBusy, setText } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */

/**
 * @typedef {object} ToastHost
 * @property {(error: unknown) => string} reason why it could not be taken back
 * @property {() => void} focus the toast goes, and had the focus
 */

/** Browsers count milliseconds in 32 bits; a longer time would be over at once. */
const MOST_MS = 2 ** 31 - 1

export class Toast {
  #host
  #text = h("p", { class: "toast-text", dir: "auto" })
  #undo
  /** @type {() => Promise<unknown>} */
  #takeBack = async () => {}
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined

  /**
   * @param {Words} words
   * @param {ToastHost} host
   */
  constructor(words, host) {
    this.#host = host
    const onclick = () => this.#pressed()
    this.#undo = h("button", { type: "button", onclick }, words("undo"))
    const said = h("div", { class: "toast-said", role: "status" }, this.#text)
    this.element = h("div", { class: "toast", hidden: true }, said, this.#undo)
  }

  /**
   * @param {string} text what was done
   * @param {Date} until
   * @param {() => Promise<unknown>} takeBack rejects where it cannot be done
   */
  show(text, until, takeBack) {
    this.#takeBack = takeBack
    this.element.hidden = false
    setText(this.#text, text)
    setBusy(this.#undo, false)
    clearTimeout(this.#timer)
    const ms = until.getTime() - Date.now()
    this.#timer = setTimeout(() => this.hide(), Math.min(Math.max(0, ms), MOST_MS))
    this.#undo.focus()
  }

  hide() {
    clearTimeout(this.#timer)
    const isFocused = hasFocus(this.#undo)
    this.element.hidden = true
    if (isFocused) this.#host.focus()
  }

  async #pressed() {
    if (isDisabled(this.#undo)) return
    setBusy(this.#undo, true)
    const takeBack = this.#takeBack
    try {
      await takeBack()
      if (takeBack === this.#takeBack) this.hide()
    } catch (error) {
      if (takeBack === this.#takeBack) setText(this.#text, this.#host.reason(error))
    }
    setBusy(this.#undo, false)
  }
}
