// What the shop needs of the chat, in types alone.

/**
 * @typedef {object} Call
 * @property {(output: unknown) => Promise<unknown>} done answers at once, for a tool that then leaves the page
 */

/**
 * @typedef {object} Tools
 * @property {(name: string, tool: (input: any, context: { call: Call, signal: AbortSignal }) => unknown) => () => void} register
 */

/**
 * @typedef {object} Client
 * @property {{ id: string } | null} thread null until the server has told what is in it
 * @property {ReadonlyArray<{ parts: ReadonlyArray<{ name?: string, output?: unknown }> }>} messages
 */

/** @typedef {HTMLElement & { page: () => Record<string, unknown>, tools: Tools, client: EventTarget & Client }} ChatElement */

export {}
