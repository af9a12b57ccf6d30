// A row of buttons that is one stop of the Tab key; the arrows move inside it.

import {
  h,
  hasFocus,
  icon,
  isDisabled,
  setAttribute,
  setBusy,
  setText,
} from "./element-dom.js"

export class Toolbar {
  element
  /** What had the focus last. @type {HTMLElement | null} */
  #last = null

  /**
   * @param {string} label
   * @param {readonly HTMLElement[]} children buttons, or boxes of them
   */
  constructor(label, children) {
    this.element = h("div", { class: "toolbar", role: "toolbar" }, ...children)
    this.element.setAttribute("aria-label", label)
    this.element.addEventListener("keydown", (event) => this.#pressed(event))
    this.element.addEventListener("focusin", () => this.settle())
  }

  /** One of its buttons, and one only, is reached by Tab: that which had the focus last, or the first. */
  settle() {
    const buttons = this.#buttons()
    this.#last = buttons.find(hasFocus) ?? this.#last
    const kept = buttons.find((button) => button === this.#last) ?? buttons[0]
    for (const button of buttons)
      setAttribute(button, "tabindex", button === kept ? 0 : -1)
    this.element.hidden = buttons.length === 0
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const buttons = this.#buttons()
    const at = buttons.findIndex((button) => hasFocus(button))
    const isMirrored = this.element.matches(":dir(rtl)")
    const steps = /** @type {Record<string, number>} */ ({
      ArrowRight: at + (isMirrored ? -1 : 1),
      ArrowLeft: at + (isMirrored ? 1 : -1),
      Home: 0,
      End: buttons.length - 1,
    })
    const next = steps[event.key]
    if (next === undefined) return
    event.preventDefault()
    buttons[next]?.focus()
  }

  /** @returns {HTMLElement[]} those that can be seen */
  #buttons() {
    const all = /** @type {HTMLElement[]} */ ([
      ...this.element.querySelectorAll("button"),
    ])
    const isShown = (/** @type {HTMLElement} */ { hidden, parentElement: box }) =>
      !hidden && (box === this.element || !box?.hidden)
    return all.filter(isShown)
  }
}

/** One thing that can be done with a message: it says that it works, and is done once. */
export class ActionButton {
  element

  /**
   * @param {string} path of its drawing
   * @param {() => Promise<void> | void} act
   * @param {(error: unknown) => void} refused
   */
  constructor(path, act, refused) {
    this.element = h(
      "button",
      { type: "button", class: "action", tabindex: -1 },
      icon(path),
    )
    this.element.addEventListener("click", async () => {
      if (isDisabled(this.element)) return
      setBusy(this.element, true)
      try {
        await act()
      } catch (error) {
        refused(error)
      } finally {
        setBusy(this.element, false)
      }
    })
  }

  /** @param {string} label */
  name(label) {
    setAttribute(this.element, "aria-label", label)
    setAttribute(this.element, "title", label)
  }

  /** @param {boolean} isShown */
  show(isShown) {
    this.element.hidden = !isShown
  }
}

/** A line below a message: why something was refused, or that it was done. */
export class ActionNote {
  element = h("p", { class: "action-note", role: "alert", hidden: true })

  /** @param {string} text empty to take it away */
  say(text) {
    this.element.hidden = text === ""
    setText(this.element, text)
  }
}
