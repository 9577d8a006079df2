// What a browser does with the sign-in page, as far as it matters here: cookies, forms, redirects that are not followed.
import { readFileSync } from 'node:fs'

const decode = (text) =>
  text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&amp;/g, '&')

export class Browser {
  cookies = new Map()

  async visit(url, init = {}) {
    const headers = { ...init.headers }
    if (this.cookies.size > 0) headers.cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      this.cookies.set(name, value)
    }
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, location: response.headers.get('location') }
  }

  // The form of a page, filled in and sent.
  async submit(url, page, values) {
    const action = /<form method="post" action="([^"]*)"/.exec(page.text)[1]
    const body = new URLSearchParams()
    for (const [tag] of page.text.matchAll(/<input [^>]*>/g)) {
      const name = / name="([^"]*)"/.exec(tag)
      if (name && tag.includes('type="hidden"')) body.append(name[1], decode(/ value="([^"]*)"/.exec(tag)[1]))
    }
    for (const [name, value] of Object.entries(values)) body.set(name, value)
    return this.visit(new URL(action, url), { method: 'POST', body, headers: { 'sec-fetch-site': 'same-origin' } })
  }

  async signIn(url, name, password) {
    const page = await this.visit(url)
    return this.submit(url, page, { username: name, password, do: 'sign-in' })
  }
}

export const password = (name) => readFileSync(name, 'utf8').trim()
