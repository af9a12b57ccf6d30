// Import it, and <chatkit-thread> exists.

import { ThreadElement } from "./thread-element.js"

ThreadElement.define()
