/** Commands on their way: as frames, or over HTTP where an answer is too large for one. */

import { backoffMs } from "./backoff.js"
import { ChatKitError } from "./protocol.js"

/**
 * @import { AcceptedFrame, Command, Environment, InterruptAnswer } from "./types.js"
 * @import { Asking } from "./outbox.js"
 * @import { Requests } from "./requests.js"
 *
 * @typedef {Extract<Command, { type: "resolve" }>} ResolveCommand
 * @typedef {Extract<Command, { type: "answer" }>} AnswerCommand
 */

/** So often a large answer is sent, over two minutes or so, if nobody says yes or no to it. */
const MOST_ATTEMPTS = 8
/** Nobody has read it: a proxy without the app behind it, or no network. */
const UNREAD = /^(unreachable|bad_response|http_5\d\d)$/

export class Delivery {
  #ask
  #requests
  #env

  /**
   * @param {object} options
   * @param {(command: Command, options?: Asking) => Promise<AcceptedFrame>} options.ask as a frame
   * @param {Requests} options.requests
   * @param {Environment} options.env
   */
  constructor({ ask, requests, env }) {
    this.#ask = ask
    this.#requests = requests
    this.#env = env
  }

  /** @param {ResolveCommand} command */
  resolve(command) {
    return this.#orPost(command, () => command)
  }

  /**
   * @param {AnswerCommand} command
   * @param {string | null} interrupt of the call; without it there is no other way
   */
  answer(command, interrupt) {
    return this.#orPost(command, () => interrupt && toResolve(command, interrupt))
  }

  /**
   * @param {ResolveCommand | AnswerCommand} command
   * @param {() => ResolveCommand | "" | null} large the same as HTTP takes it
   * @returns {Promise<AcceptedFrame>}
   */
  async #orPost(command, large) {
    try {
      return await this.#ask(command)
    } catch (error) {
      const posted = isCalled(error, /^frame_too_large$/) ? large() : null
      if (!posted) throw error
      return this.#post(posted)
    }
  }

  /** @param {ResolveCommand} command @returns {Promise<AcceptedFrame>} */
  async #post(command) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return { type: "accepted", ...(await this.#requests.resolve(command)) }
      } catch (error) {
        if (isCalled(error, /^http_413$/)) throw tooLarge()
        const isLast = attempt + 1 === MOST_ATTEMPTS
        if (isLast || !isCalled(error, UNREAD)) throw error
      }
      await this.#pause(backoffMs(attempt + 1, this.#env.random))
    }
  }

  /** @param {number} ms @returns {Promise<void>} */
  #pause(ms) {
    return new Promise((resolve) => {
      this.#env.setTimeout(resolve, ms)
    })
  }
}

/**
 * @param {AnswerCommand} command
 * @param {string} interrupt
 * @returns {ResolveCommand}
 */
function toResolve({ id, thread, tab, output = null, error }, interrupt) {
  /** @type {InterruptAnswer} */
  const answer =
    error === undefined
      ? { interrupt, decision: "answer", output }
      : { interrupt, decision: "fail", text: error }
  return { type: "resolve", id, thread, tab, answers: [answer] }
}

/** @param {unknown} error @param {RegExp} code */
function isCalled(error, code) {
  return error instanceof ChatKitError && code.test(error.code)
}

/** From whatever stands before the app; the app's own refusal has a code and words. */
function tooLarge() {
  return new ChatKitError("payload_too_large", "It is larger than the server takes.")
}
