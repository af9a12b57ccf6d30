/** The public names of the browser's side. Importing it does nothing else. */

export { ChatKitClient } from "./client.js"
export { partialInput } from "./partial.js"
export { ChatKitError } from "./protocol.js"
export { ThreadList } from "./threads.js"
