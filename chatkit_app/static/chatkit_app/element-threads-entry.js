// One thread in the list: opened by its title, and renamed, archived or deleted in place.

import { roundButton } from "./element-composer.js"
import {
  h,
  hasFocus,
  ICONS,
  icon,
  isDisabled,
  setAttribute,
  setBusy,
  setText,
} from "./element-dom.js"
import { sinceWords } from "./element-since.js"

/** @typedef {import("./api.js").ThreadRow} ThreadRow */
/** @typedef {import("./element-strings.js").Words} Words */

/**
 * @typedef {object} EntryHost what may be asked for; a promise rejects where it is refused
 * @property {(row: ThreadRow) => void} open
 * @property {(id: string, title: string) => Promise<void>} rename
 * @property {(row: ThreadRow) => Promise<void>} pin to the top, or not any more
 * @property {(row: ThreadRow) => Promise<void>} archive or bring back
 * @property {(row: ThreadRow) => Promise<void>} remove
 * @property {((row: ThreadRow, opener: HTMLElement) => void) | null} share null: not here
 * @property {() => void} unfolds no other entry shall be unfolded
 * @property {(error: unknown) => string} reason
 * @property {() => string | null} current
 * @property {() => string} language
 */

/** As long as a title may be. */
const TITLE_LENGTH = 200

/** What a run in the list is doing, where that is worth a word. */
const STATES = Object.freeze({
  queued: { words: "threadWorking", tone: "busy" },
  in_progress: { words: "threadWorking", tone: "busy" },
  cancelling: { words: "threadWorking", tone: "busy" },
  requires_action: { words: "threadWaiting", tone: "attention" },
  failed: { words: "threadFailed", tone: "failed" },
})

/** @param {ThreadRow} row @returns {{ words: string, tone: string } | null} */
export function threadState({ run }) {
  const found = Object.entries(STATES).find(([status]) => status === run?.status)
  return found?.[1] ?? null
}

export class EntryView {
  #words
  #host
  #row
  #title = h("span", { class: "thread-title", dir: "auto" })
  #state = h("span", { class: "thread-state" })
  #time = h("time")
  #hit = h("span", { class: "thread-hit", dir: "auto", hidden: true })
  #bar
  #unread
  #open
  #more
  /** What begins with this entry: a group of the list. */
  #head = h("h3", { class: "thread-group", hidden: true })
  #pin
  #archive
  #options
  #field
  #save
  #form
  #problem = h("p", { class: "entry-problem", role: "alert", hidden: true })

  /**
   * @param {Words} words
   * @param {ThreadRow} row
   * @param {EntryHost} host
   */
  constructor(words, row, host) {
    this.#words = words
    this.#row = row
    this.#host = host
    this.#unread = h(
      "span",
      { class: "unread" },
      h("span", { class: "unseen" }, words("unread")),
    )
    this.#open = h(
      "button",
      { type: "button", class: "thread", onclick: () => host.open(this.#row) },
      this.#title,
      this.#hit,
      h("span", { class: "thread-about" }, this.#state, this.#time),
      this.#unread,
    )
    this.#more = roundButton("quiet entry-more", "", ICONS.options)
    this.#more.addEventListener("click", () =>
      this.#unfold(Boolean(this.#options.hidden)),
    )
    this.#pin = optionButton(() => this.#asked(this.#pin, this.#host.pin), ICONS.pin)
    this.#archive = optionButton(() => this.#asked(this.#archive, this.#host.archive))
    this.#options = this.#drawOptions()
    this.#field = h("input", { type: "text", maxlength: TITLE_LENGTH, dir: "auto" })
    this.#field.setAttribute("aria-label", words("threadTitle"))
    this.#save = h("button", { type: "submit" }, words("save"))
    this.#form = this.#drawForm()
    this.#bar = h("div", { class: "entry-row" }, this.#open, this.#more)
    this.element = h("li", { class: "entry", "data-id": row.id })
    this.element.append(this.#head, this.#bar)
    this.element.append(this.#options, this.#form, this.#problem)
    this.element.addEventListener("keydown", (event) => this.#pressed(event))
  }

  /** The control that opens it. */
  get button() {
    return this.#open
  }

  /** @param {ThreadRow} row */
  update(row) {
    this.#row = row
    const title = row.title || this.#words("untitled")
    setText(this.#title, title)
    this.#title.title = title
    const isCurrent = row.id === this.#host.current()
    setAttribute(this.#open, "aria-current", isCurrent ? "true" : null)
    const isUnread = row.unread && !isCurrent
    setAttribute(this.element, "data-unread", isUnread)
    this.#unread.hidden = !isUnread
    this.#drawState(row)
    this.#hit.hidden = !row.hit
    setText(this.#hit, row.hit?.excerpt ?? "")
    setText(labelOf(this.#pin), this.#words(row.pinned ? "unpin" : "pin"))
    const isArchived = row.status === "archived"
    setText(labelOf(this.#archive), this.#words(isArchived ? "unarchive" : "archive"))
    const options = this.#words("threadOptions", { title })
    setAttribute(this.#more, "aria-label", options)
    setAttribute(this.#more, "title", options)
  }

  /** @param {string} text the name of the group that begins here; empty where none does */
  head(text) {
    this.#head.hidden = text === ""
    setText(this.#head, text)
  }

  /** Nothing of it is unfolded any more. */
  fold() {
    this.#unfold(false)
    this.#edit(false)
  }

  /** @param {ThreadRow} row */
  #drawState(row) {
    const state = threadState(row)
    this.#state.hidden = state === null
    if (state) {
      setText(this.#state, this.#words(state.words))
      setAttribute(this.#state, "data-tone", state.tone)
    }
    const { lastActivityAt } = row
    setAttribute(this.#time, "datetime", lastActivityAt)
    const since = sinceWords(
      new Date(lastActivityAt),
      new Date(),
      this.#host.language(),
    )
    setText(this.#time, since)
  }

  #drawOptions() {
    const rename = optionButton(() => this.#edit(true), ICONS.pen)
    setText(labelOf(rename), this.#words("rename"))
    this.#archive.prepend(icon(ICONS.archive))
    const remove = optionButton(
      () => this.#asked(remove, this.#host.remove),
      ICONS.bin,
      "danger",
    )
    setText(labelOf(remove), this.#words("remove"))
    return h(
      "div",
      { class: "entry-options", hidden: true },
      rename,
      this.#pin,
      this.#archive,
      this.#drawShare(),
      remove,
    )
  }

  #drawShare() {
    const { share } = this.#host
    if (!share) return null
    const button = optionButton(() => share(this.#row, button), ICONS.link)
    setText(labelOf(button), this.#words("share"))
    return button
  }

  #drawForm() {
    const cancel = h("button", { type: "button" }, this.#words("cancel"))
    cancel.addEventListener("click", () => this.#cancel())
    const form = h(
      "form",
      { class: "entry-rename", novalidate: true, hidden: true },
      this.#field,
      this.#save,
      cancel,
    )
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      void this.#rename()
    })
    return form
  }

  /** @param {boolean} isUnfolded */
  #unfold(isUnfolded) {
    if (isUnfolded) this.#host.unfolds()
    this.#options.hidden = !isUnfolded
    setAttribute(this.#more, "aria-expanded", String(isUnfolded))
    this.#tell("")
    if (isUnfolded) {
      this.#edit(false)
      this.#options.scrollIntoView({ block: "nearest" })
    }
  }

  /** @param {boolean} isEdited */
  #edit(isEdited) {
    if (isEdited) {
      this.#host.unfolds()
      this.#unfold(false)
    }
    this.#form.hidden = !isEdited
    this.#bar.hidden = isEdited
    if (!isEdited) return
    this.#field.value = this.#row.title
    this.#form.scrollIntoView({ block: "nearest" })
    this.#field.select()
    this.#field.focus()
  }

  #cancel() {
    this.#edit(false)
    this.#tell("")
    this.#open.focus()
  }

  async #rename() {
    const title = this.#field.value.trim()
    if (isDisabled(this.#save)) return
    if (title === "" || title === this.#row.title) return this.#cancel()
    const isDone = await this.#try(this.#save, () =>
      this.#host.rename(this.#row.id, title),
    )
    if (!isDone) return
    const isHere = hasFocus(this.#form)
    this.#edit(false)
    if (isHere) this.#open.focus()
  }

  /**
   * @param {HTMLElement} button
   * @param {(row: ThreadRow) => Promise<void>} ask
   */
  #asked(button, ask) {
    if (!isDisabled(button)) void this.#try(button, () => ask(this.#row))
  }

  /**
   * @param {HTMLElement} button
   * @param {() => Promise<void>} ask
   * @returns {Promise<boolean>} was it done?
   */
  async #try(button, ask) {
    setBusy(button, true)
    this.#tell("")
    try {
      await ask()
      return true
    } catch (error) {
      this.#tell(this.#host.reason(error))
      return false
    } finally {
      setBusy(button, false)
    }
  }

  /** @param {string} problem */
  #tell(problem) {
    this.#problem.hidden = problem === ""
    setText(this.#problem, problem)
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing) return
    if (event.key === "Escape" && this.#escape()) event.stopPropagation()
    else if (event.key === "F2" && event.target === this.#open) this.#edit(true)
    else return
    event.preventDefault()
  }

  /** @returns {boolean} was there something to close? */
  #escape() {
    if (!this.#form.hidden) this.#cancel()
    else if (!this.#options.hidden) {
      this.#unfold(false)
      this.#more.focus()
    } else return false
    return true
  }
}

/**
 * @param {() => void} onclick
 * @param {string} [path] of its drawing
 * @param {string} [name]
 */
function optionButton(onclick, path, name = "") {
  const button = h("button", { type: "button", class: name, onclick }, h("span"))
  if (path) button.prepend(icon(path))
  return button
}

/** @param {HTMLElement} button */
function labelOf(button) {
  return /** @type {HTMLElement} */ (button.querySelector("span"))
}
