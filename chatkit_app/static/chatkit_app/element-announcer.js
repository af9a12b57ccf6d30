// What assistive technology hears: whole sentences of an answer, and what tools and runs come to.

import { h } from "./element-dom.js"
import { isResolving } from "./element-parts.js"
import { askedAgainWords, runWords } from "./element-run.js"
import { titleOf } from "./element-tool-call.js"
import { resultOf, toolPhase } from "./element-tool-words.js"
import { Lexer } from "./vendor/marked/marked.esm.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Run} Run */
/** @typedef {import("./types.js").TextPart} TextPart */
/** @typedef {import("./types.js").ToolCallPart} ToolCallPart */
/** @typedef {import("./element-tool-words.js").ToolPhase} ToolPhase */
/** @typedef {import("./vendor/marked/marked.esm.js").Token} Token */

const LINES_KEPT = 12
// Not the point behind the number of a list's item.
const SENTENCE_END =
  /(?<!(?:^|\n)[ \t]*\d{1,3})[.!?…:;。！？؟]["')\]*_]*(?=\s)|\n\s*\n/g

/**
 * Where the last finished sentence of Markdown ends; code that is still open is left for later.
 *
 * @param {string} text
 * @param {number} from what stands before it has been said
 * @returns {number} a position, `from` where no sentence is finished
 */
export function endOfSentences(text, from) {
  let end = from
  for (const found of text.matchAll(SENTENCE_END)) {
    const position = found.index + found[0].length
    if (position > from && !isInsideCode(text.slice(0, position))) end = position
  }
  return end
}

/** @param {string} text */
function isInsideCode(text) {
  return (text.match(/^\s{0,3}(```|~~~)/gm)?.length ?? 0) % 2 === 1
}

/**
 * Markdown as it is spoken: the words without the marks; code is named, not read out.
 *
 * @param {string} markdown
 * @param {string} codeWord
 */
export function spokenText(markdown, codeWord) {
  const words = new Lexer({ gfm: true })
    .lex(markdown)
    .map((token) => spoken(token, codeWord))
  return words.join(" ").replace(/\s+/g, " ").trim()
}

/**
 * @param {Token} token
 * @param {string} codeWord
 * @returns {string}
 */
function spoken(token, codeWord) {
  if (token.type === "code") return `${codeWord}.`
  if (token.type === "br" || token.type === "space") return " "
  if (token.type === "list") return spokenAll(token.items, codeWord, " ")
  if (token.type === "table") {
    const rows = [token.header, ...token.rows]
    return rows.map((row) => `${spokenAll(row, codeWord, ", ")}.`).join(" ")
  }
  if ("tokens" in token && token.tokens) return spokenAll(token.tokens, codeWord, "")
  return "text" in token ? String(token.text) : ""
}

/**
 * @param {readonly (Token | { tokens: Token[] })[]} tokens
 * @param {string} codeWord
 * @param {string} joint
 */
function spokenAll(tokens, codeWord, joint) {
  return tokens
    .map((token) => spoken(/** @type {Token} */ (token), codeWord))
    .join(joint)
}

/** Follows a client and says what is new, each thing once. */
export class Announcer {
  element = h("div", { class: "unseen", role: "status", "aria-live": "polite" })
  /** @type {Map<string, number>} how much of a text part was said */
  #said = new Map()
  /** @type {Map<string, string>} the last state that was said of a call */
  #phases = new Map()
  /** @type {Map<string, string>} the last notice of a call */
  #notices = new Map()
  #runSaid = ""
  /** However often it is asked again, it is said once for each reason. @type {Set<string>} */
  #againSaid = new Set()
  #isOpening = false
  #words

  /** @param {Words} words */
  constructor(words) {
    this.#words = words
    this.element.setAttribute("aria-atomic", "false")
  }

  /** @param {string} text */
  say(text) {
    if (text === "") return
    this.element.append(h("p", {}, text))
    while (this.element.children.length > LINES_KEPT) this.element.firstChild?.remove()
  }

  /** Another thread comes: what it already holds is for the reader to read, not to be recited. */
  opening() {
    this.#isOpening = true
    this.#said.clear()
    this.#phases.clear()
    this.#notices.clear()
    this.#runSaid = ""
    this.#againSaid.clear()
  }

  /** @param {ClientShape} client */
  follow(client) {
    for (const message of client.messages.slice(-2))
      this.#followMessage(message, client)
    this.#followRun(client.run)
    this.#followAgain(client.run)
    if (client.thread !== null || client.threadId === null) this.#isOpening = false
  }

  /**
   * @param {Message} message
   * @param {ClientShape} client
   */
  #followMessage(message, client) {
    if (message.role === "user") return
    this.#followAuthor(message)
    for (const part of message.parts) {
      if (part.type === "text") this.#followText(part)
      if (part.type === "tool-call") this.#followCall(part, message, client)
    }
  }

  /** Who cannot see that a person writes is told. @param {Message} message */
  #followAuthor({ id, author }) {
    if (!author || this.#said.has(id)) return
    this.#said.set(id, 0)
    const name = author.name || this.#words("staff")
    this.#tell(() => this.#words("staffWrites", { name }))
  }

  /** @param {TextPart} part */
  #followText({ partId, content, state }) {
    const said = this.#said.get(partId) ?? 0
    const end = state === "streaming" ? endOfSentences(content, said) : content.length
    if (end <= said) return
    this.#said.set(partId, end)
    this.#tell(() => spokenText(content.slice(said, end), this.#words("code")))
  }

  /**
   * @param {ToolCallPart} part
   * @param {Message} message
   * @param {ClientShape} client
   */
  #followCall(part, message, client) {
    const phase = toolPhase(part, {
      result: resultOf(message, part.id),
      hasHandler: client.tools.has(part.name),
      tab: client.tab,
      isResolving: isResolving(part.interrupt, client),
    })
    this.#followNotice(part)
    // Another question of the same call is another thing to be told of.
    const now = `${phase.words} ${part.interrupt?.id ?? ""}`
    if (now === this.#phases.get(part.id)) return
    this.#phases.set(part.id, now)
    const isWorth = ["attention", "done", "failed", "cancelled"].includes(phase.tone)
    if (isWorth || phase.words === "toolStaff")
      this.#tell(() => this.#callWords(part, phase))
  }

  /** @param {ToolCallPart} part @param {ToolPhase} phase */
  #callWords({ name, interrupt }, { words, hint }) {
    const told = `${titleOf(this.#words, name)}: ${this.#words(words)}`
    const more = [interrupt?.message ?? "", hint ? this.#words(hint) : ""].filter(
      Boolean,
    )
    return more.length ? `${told}. ${more.join(" ")}` : told
  }

  /** @param {ToolCallPart} part */
  #followNotice({ id, progress }) {
    const notice = progress?.notice
    if (!notice) return
    const now = [notice.title, notice.text].filter(Boolean).join(": ")
    if (now === this.#notices.get(id)) return
    this.#notices.set(id, now)
    this.#tell(() => now)
  }

  /** @param {Run | null} run */
  #followRun(run) {
    const now = run ? `${run.id} ${run.status}` : ""
    if (!run || now === this.#runSaid) return
    this.#runSaid = now
    if (run.status === "queued") this.#tell(() => this.#words("working"))
    if (run.status === "completed") this.#tell(() => this.#words("answerDone"))
    if (run.status === "failed" || run.status === "cancelled") {
      this.#tell(() => runWords(this.#words, run))
    }
  }

  /** @param {Run | null} run */
  #followAgain(run) {
    const text = askedAgainWords(this.#words, run)
    const now = `${run?.id} ${text}`
    if (text === "" || this.#againSaid.has(now)) return
    this.#againSaid.add(now)
    this.#tell(() => text)
  }

  /** @param {() => string} text */
  #tell(text) {
    if (!this.#isOpening) this.say(text())
  }
}
