// Cases that count themselves: the last line is what tests/oauth/run.sh and ./test read.
let passed = 0
let failed = 0

export async function check(name, run) {
  try {
    await run()
    passed++
    console.log(`ok      ${name}`)
  } catch (error) {
    failed++
    console.log(`FAILED  ${name}\n${error.stack}${error.cause ? `\n${JSON.stringify(error.cause)}` : ''}`)
  }
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed === 0 ? 0 : 1)
}
