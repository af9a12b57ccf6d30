/** One request to the mount: JSON both ways, with the site's cookies and Django's CSRF token. */

import { ChatKitError, toRefusal } from "./protocol.js"

/** @import { Environment } from "./types.js" */

export class Http {
  #mount
  #csrfToken
  #env

  /**
   * @param {object} options
   * @param {URL} options.mount with a slash at its end
   * @param {string} options.csrfToken
   * @param {Environment} options.env
   */
  constructor({ mount, csrfToken, env }) {
    this.#mount = mount
    this.#csrfToken = csrfToken
    this.#env = env
  }

  /**
   * The address of a path below the mount.
   *
   * @param {string} path
   */
  address(path) {
    return new URL(path, this.#mount)
  }

  /**
   * @param {string} path below the mount
   * @param {RequestInit} [options]
   * @returns {Promise<any>} the answer's JSON; null where there is none to come (204)
   * @throws {ChatKitError} `unreachable`, `bad_response`, the answer's own code, or `http_<status>`
   */
  async ask(path, options = {}) {
    const response = await this.#fetch(path, options)
    if (response.status === 204) return null
    const body = await response.json().catch(() => null)
    if (response.ok && body !== null) return body
    if (response.ok) throw new ChatKitError("bad_response", "The answer is not JSON.")
    const message = body?.message ?? body?.detail ?? `HTTP status ${response.status}`
    const code = body?.code ?? `http_${response.status}`
    throw toRefusal({ ...body, code, message: String(message) })
  }

  /**
   * The cursor of a page's `next`. Behind a proxy the server may not know its own address: nothing
   * else is taken from it.
   *
   * @param {string | null} next
   * @returns {string | null}
   */
  cursorOf(next) {
    return next ? this.address(next).searchParams.get("cursor") : null
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   */
  async #fetch(path, options) {
    const headers = {
      Accept: "application/json",
      "Content-Type": "application/json",
      ...(this.#csrfToken ? { "X-CSRFToken": this.#csrfToken } : {}),
    }
    try {
      return await this.#env.fetch(this.address(path), {
        credentials: "same-origin",
        headers,
        ...options,
      })
    } catch (error) {
      throw new ChatKitError("unreachable", String(error))
    }
  }
}
