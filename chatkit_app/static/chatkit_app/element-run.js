// What stands below the newest message: that it is being written, or why it was not.

import { h, setAttribute, setText } from "./element-dom.js"
import { errorWords } from "./element-strings.js"
import { isOpenCall } from "./element-tool-words.js"
import { isActive } from "./fold.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {import("./types.js").Run} Run */

export class RunView {
  #words
  #working
  #workingText = h("span")
  #failed
  #failedText = h("p", { class: "run-text" })
  #details
  #detailsText = h("p")
  #retry

  /**
   * @param {Words} words
   * @param {() => void} retry
   */
  constructor(words, retry) {
    this.#words = words
    this.#working = h(
      "div",
      { class: "working", hidden: true },
      ...[0, 1, 2].map(() => h("span", { class: "dot" })),
      this.#workingText,
    )
    this.#details = h(
      "details",
      {},
      h("summary", {}, words("details")),
      this.#detailsText,
    )
    this.#retry = h(
      "button",
      { type: "button", class: "retry", onclick: retry },
      words("retry"),
    )
    this.#failed = h("div", { class: "run", hidden: true })
    this.#failed.append(
      h("div", { class: "run-words" }, this.#failedText, this.#details),
      this.#retry,
    )
    this.element = h("div", { class: "run-status" }, this.#working, this.#failed)
  }

  /** @param {ClientShape} client */
  update(client) {
    const { run } = client
    const again = askedAgainWords(this.#words, run)
    this.#working.hidden = again === "" && !isSilentlyWorking(client)
    setAttribute(this.#workingText, "class", again ? "working-text" : "unseen")
    setText(this.#workingText, again || this.#words("working"))
    const isQuiet = !hasEndedEarly(run) || client.pendingMessages.some(isSending)
    this.#failed.hidden = isQuiet
    if (isQuiet || !run) return
    setAttribute(this.#failed, "data-status", run.status)
    setText(this.#failedText, runWords(this.#words, run))
    this.#details.hidden = !run.errorText
    setText(
      this.#detailsText,
      [run.errorCode, run.errorText].filter(Boolean).join(": "),
    )
  }
}

/** @param {Run | null} run */
export function hasEndedEarly(run) {
  return run?.status === "failed" || run?.status === "cancelled"
}

/** @param {{ state: string }} pending */
function isSending(pending) {
  return pending.state === "sending"
}

/**
 * @param {Words} words
 * @param {Run} run
 */
export function runWords(words, run) {
  if (run.status === "cancelled") return words("stopped")
  // Whose budget, and until when: the server has said it in the visitor's language.
  if (run.errorCode === "budget_spent" && run.errorText) return run.errorText
  return errorWords(words, run.errorCode, words("errorFailed"))
}

/** Why a step of a run was taken back, where the general words don't say it. */
const AGAIN = Object.freeze({
  provider_rate_limited: "askedAgainBusy",
  provider_unavailable: "askedAgainUnavailable",
})

/**
 * That the answer is being asked again; empty where it is not, or no longer.
 *
 * @param {Words} words
 * @param {Run | null} run
 */
export function askedAgainWords(words, run) {
  if (!run?.retry || run.status === "cancelling" || !isActive(run)) return ""
  const { code } = run.retry
  const name = Object.entries(AGAIN).find(([known]) => known === code)?.[1]
  return words(name ?? "askedAgain")
}

/**
 * Nothing else on the page moves while the run does: no text comes, no tool shows its wheel.
 *
 * @param {ClientShape} client
 */
export function isSilentlyWorking({ run, messages }) {
  if (run?.status !== "queued" && run?.status !== "in_progress") return false
  const parts =
    messages.at(-1)?.role === "assistant" ? (messages.at(-1)?.parts ?? []) : []
  return !parts.some((part) =>
    part.type === "tool-call"
      ? isOpenCall(part)
      : part.type !== "tool-result" &&
        part.state === "streaming" &&
        part.content !== "",
  )
}
