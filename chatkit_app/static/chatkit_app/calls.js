/** Client tools' calls: claimed, run and answered, each at most once by this page. */

import { Job, refusalText } from "./job.js"
import { ChatKitError, newId } from "./protocol.js"

/**
 * @import { AcceptedFrame, Command, Environment, ToolCallPart } from "./types.js"
 * @import { AnswerCommand } from "./delivery.js"
 * @import { Tools } from "./tools.js"
 */

/** How long another page's claim is left alone where the server names no time. */
const CLAIM_RETRY_MS = 5_000
const MIN_RETRY_MS = 250

/** What these say of an answer or a claim is final: the call is closed. */
const CLOSED = new Set([
  "answer_duplicate",
  "answer_late",
  "call_not_found",
  "interrupt_not_found",
  "thread_not_found",
  "not_allowed",
])

/** The call is open, but not for us, or not now. */
const LATER = new Set(["claim_held", "not_known_here", "rate_limited", "internal"])

/** Nobody is asked any more, or not now; the call itself is as it was. */
const UNSENT = new Set(["disconnected", "closed", "bad_frames", "no_viewer"])

/**
 * @typedef {object} CallsOptions
 * @property {Tools} tools
 * @property {string} tab
 * @property {any} context handed to the tools
 * @property {(command: Command, options?: { repeat?: boolean }) => Promise<AcceptedFrame>} ask
 * @property {(command: AnswerCommand, interrupt: string | null) => Promise<AcceptedFrame>} answer
 * @property {(call: import("./tools.js").ToolCall) => boolean} announce false: it shall not run now
 * @property {(error: ChatKitError) => void} report
 * @property {Environment} env
 */

export class Calls {
  /** @type {Map<string, Job>} by call; those that ran stay, so that none runs twice */
  #jobs = new Map()
  /** Is what was last told of the calls what the server has? */
  #isLive = false
  #options

  /** @param {CallsOptions} options */
  constructor(options) {
    this.#options = options
    options.tools.addEventListener("registered", () => this.#advanceAll())
    options.tools.addEventListener("requested", (event) => {
      this.#allow(/** @type {CustomEvent<string>} */ (event).detail)
    })
  }

  /**
   * @param {string} thread
   * @param {ToolCallPart[]} waiting all calls of the thread that wait for a page
   */
  update(thread, waiting) {
    this.#isLive = true
    const open = new Map(waiting.map((part) => [part.id, part]))
    for (const job of this.#jobs.values()) {
      if (job.thread === thread && !open.has(job.id)) this.#close(job)
    }
    for (const part of waiting) this.#see(thread, part)
    this.#advanceAll()
  }

  /** What was claimed may be another page's by now; what runs goes on. */
  disconnected() {
    this.#isLive = false
    for (const job of this.#jobs.values()) this.#forgetClaim(job)
  }

  /** The page goes, perhaps for ever: others may run what has no answer yet. */
  release() {
    for (const job of this.#jobs.values()) {
      if (job.phase !== "answering") this.#release(job)
    }
  }

  /** The thread is not watched any more: what has not begun is others' to run. */
  leave() {
    for (const [id, job] of this.#jobs) {
      if (job.phase !== "idle" && job.phase !== "prevented") continue
      this.#release(job)
      this.#jobs.delete(id)
    }
  }

  /**
   * @param {string} thread
   * @param {ToolCallPart} part
   */
  #see(thread, part) {
    const job = this.#jobs.get(part.id) ?? new Job(thread, part)
    this.#jobs.set(part.id, job)
    const isFreed = job.claimedBy !== null && part.claimedBy === null
    job.claimedBy = part.claimedBy
    if (isFreed && job.claim === "refused") this.#forgetClaim(job)
  }

  #advanceAll() {
    for (const job of this.#jobs.values()) this.#advance(job)
  }

  /** @param {string} id */
  #allow(id) {
    const job = this.#jobs.get(id)
    if (job?.phase !== "prevented") return
    job.phase = "idle"
    job.isAllowed = true
    this.#advance(job)
  }

  /** @param {Job} job */
  #advance(job) {
    if (!this.#isLive || job.claim !== "none") return
    const canStart = job.phase === "idle" && this.#options.tools.has(job.name)
    if (canStart || job.phase === "running" || job.phase === "kept")
      void this.#claim(job)
  }

  /** @param {Job} job */
  async #claim(job) {
    job.claim = "asked"
    const attempt = ++job.claims
    try {
      await this.#ask(job, "claim")
    } catch (error) {
      if (attempt === job.claims)
        this.#claimRefused(job, /** @type {ChatKitError} */ (error))
      return
    }
    if (attempt === job.claims) this.#claimed(job)
  }

  /** @param {Job} job */
  #claimed(job) {
    job.claim = "held"
    if (job.phase === "kept") void this.#answer(job)
    if (job.phase === "idle") void this.#start(job)
  }

  /**
   * @param {Job} job
   * @param {ChatKitError} error
   */
  #claimRefused(job, error) {
    if (UNSENT.has(error.code)) return this.#forgetClaim(job)
    if (LATER.has(error.code)) return this.#claimLater(job, error.retryMs)
    this.#close(job)
    if (!CLOSED.has(error.code)) this.#options.report(error)
  }

  /**
   * @param {Job} job
   * @param {number | null} retryMs
   */
  #claimLater(job, retryMs) {
    job.claim = "refused"
    this.#later(job, retryMs, () => {
      this.#forgetClaim(job)
      this.#advance(job)
    })
  }

  /**
   * @param {Job} job
   * @param {number | null} retryMs
   * @param {() => void} run
   */
  #later(job, retryMs, run) {
    const { env } = this.#options
    env.clearTimeout(job.timer)
    job.timer = env.setTimeout(run, Math.max(MIN_RETRY_MS, retryMs ?? CLAIM_RETRY_MS))
  }

  /** @param {Job} job */
  async #start(job) {
    const { announce, context, tools } = this.#options
    const call = job.call((answer) => this.#answerOnce(job, answer))
    const tool = tools.get(job.name)
    if (!tool) return this.#release(job)
    job.phase = "prevented"
    const isWelcome = job.isAllowed || announce(call)
    // Whoever prevented it may have allowed it at once.
    if (!isWelcome && !job.isAllowed) return this.#release(job)
    job.phase = "running"
    const answer = await job.run(tool, call, context)
    if (job.phase === "running") void this.#answerOnce(job, answer)
    else if (answer.error !== undefined && !job.controller.signal.aborted) {
      this.#options.report(new ChatKitError("tool_error", answer.error))
    }
  }

  /**
   * @param {Job} job
   * @param {import("./job.js").ToolAnswer} answer
   */
  #answerOnce(job, answer) {
    if (job.answer === null && job.phase !== "over") {
      job.answer = answer
      job.refusal = null
      void this.#answer(job)
    }
    return job.settled
  }

  /** @param {Job} job */
  async #answer(job) {
    const { answer } = job
    if (answer === null) return
    job.phase = "answering"
    try {
      const command = { ...this.#command(job), ...answer }
      await this.#options.answer({ type: "answer", ...command }, job.interrupt)
    } catch (error) {
      return this.#answerRefused(job, answer, /** @type {ChatKitError} */ (error))
    }
    job.accept()
    this.#finish(job)
  }

  /**
   * @param {Job} job
   * @param {import("./job.js").ToolAnswer} answer
   * @param {ChatKitError} error
   */
  #answerRefused(job, answer, error) {
    if (job.phase === "over") return
    if (CLOSED.has(error.code)) return this.#drop(job, error)
    if (UNSENT.has(error.code) || LATER.has(error.code)) {
      job.phase = "kept"
      return this.#claimLater(job, error.retryMs)
    }
    if (answer.error !== undefined) {
      this.#options.report(error)
      return this.#drop(job, error)
    }
    if (error.code === "answer_invalid" && !job.hasReturned) return job.reopen(error)
    // The model shall read why there is no output, rather than wait for ever.
    job.refuse(error)
    job.answer = { error: refusalText(error) }
    void this.#answer(job)
  }

  /** The call was closed by others. @param {Job} job */
  #close(job) {
    // Our own answer may be the one that closed it: its acceptance is still to come.
    if (job.phase === "answering" || job.phase === "over") return
    this.#drop(job, new ChatKitError("answer_late", "The call is closed."))
  }

  /** @param {Job} job @param {ChatKitError} error */
  #drop(job, error) {
    job.refuse(error)
    job.controller.abort(error)
    this.#finish(job)
  }

  /** @param {Job} job */
  #finish(job) {
    this.#options.env.clearTimeout(job.timer)
    job.phase = "over"
    job.answer = null
  }

  /** @param {Job} job */
  #release(job) {
    const isOurs = job.claim === "held" || job.claim === "asked"
    this.#forgetClaim(job)
    if (isOurs && job.phase !== "over") this.#ask(job, "release").catch(() => {})
  }

  /** @param {Job} job */
  #forgetClaim(job) {
    this.#options.env.clearTimeout(job.timer)
    job.claim = "none"
    job.claims += 1
  }

  /**
   * @param {Job} job
   * @param {"claim" | "release"} type
   */
  #ask(job, type) {
    return this.#options.ask({ type, ...this.#command(job) }, { repeat: false })
  }

  /** @param {Job} job */
  #command({ id: toolCall, thread }) {
    const { env, tab } = this.#options
    return { id: newId(env.crypto), thread, toolCall, tab }
  }
}
