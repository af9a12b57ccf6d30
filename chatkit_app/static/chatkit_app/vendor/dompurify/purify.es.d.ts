// Ours, not DOMPurify's: the few of its types that are used here (its own need another package).

export interface Config {
  ALLOWED_TAGS: string[]
  ALLOWED_ATTR: string[]
  ALLOWED_URI_REGEXP: RegExp
  ADD_URI_SAFE_ATTR: string[]
  ALLOW_ARIA_ATTR: boolean
  ALLOW_DATA_ATTR: boolean
  RETURN_DOM_FRAGMENT: true
}

export interface DOMPurify {
  isSupported: boolean
  version: string
  sanitize(dirty: string, config: Config): DocumentFragment
  addHook(entryPoint: "afterSanitizeAttributes", hook: (node: Element) => void): void
}

declare const factory: DOMPurify & ((window: Window) => DOMPurify)
export default factory
