// What the element needs of a client: `ChatKitClient`, or a double of the same shape.

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").InterruptAnswer} InterruptAnswer */
/** @typedef {import("./types.js").OpenInterrupt} OpenInterrupt */
/** @typedef {import("./types.js").Run} Run */

/**
 * @typedef {object} PendingMessage
 * @property {string} clientId
 * @property {string} text
 * @property {readonly string[]} [attachments] the ids of its files
 * @property {"sending" | "refused"} state
 * @property {{ code: string, message: string, retryMs: number | null }} [error]
 */

/**
 * @typedef {object} ClientMembers
 * @property {string} state
 * @property {string | null} threadId
 * @property {{ id: string, title: string, status: string } | null} thread
 * @property {readonly Message[]} messages
 * @property {readonly PendingMessage[]} pendingMessages
 * @property {Run | null} run
 * @property {boolean} isBusy
 * @property {boolean} hasEarlier
 * @property {readonly OpenInterrupt[]} interrupts what is asked of the outside, and open
 * @property {(interrupt: string) => boolean} isResolving is an answer to it on its way?
 * @property {(answer: InterruptAnswer) => Promise<unknown>} resolve
 * @property {{ code: string, message: string } | null} error
 * @property {string} tab
 * @property {string | null} viewer `u:<id>`, `v:<uuid>`, or null before the first connection
 * @property {{ has(name: string): boolean }} tools
 * @property {() => void} connect
 * @property {() => void} close
 * @property {(text: string, options?: { attachments?: string[] }) => Promise<unknown>} send
 * @property {() => Promise<unknown>} cancel
 * @property {() => Promise<unknown>} retry
 * @property {(clientId: string) => void} discard takes a refused message off the list
 * @property {(id: string) => unknown} openThread
 * @property {() => unknown} newThread
 * @property {(message: string) => Promise<unknown>} regenerate
 * @property {(message: string, text: string, options?: { attachments?: string[] }) => Promise<unknown>} edit
 * @property {(message: string) => Promise<unknown>} show
 * @property {import("./api.js").Api} api
 * @property {(listener: () => void) => () => void} watchThreads the function returned undoes it
 * @property {() => Promise<unknown>} loadEarlier
 */

/** @typedef {EventTarget & ClientMembers} ClientShape */

export {}
