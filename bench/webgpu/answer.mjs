// The page's side of browser.mjs: it fetches questions and sends answers.

/** @param questions  the functions that the script may call, by name */
export async function answerQuestions(questions) {
  for (;;) {
    const question = await (await fetch('/question', { method: 'POST' })).json();
    if (question === null) continue;
    const { id, name, args } = question;
    let answer;
    try {
      answer = { id, value: await questions[name](...args) };
    } catch (error) {
      answer = { id, error: String(error?.message ?? error).split('\n')[0] };
    }
    await fetch('/answer', { method: 'POST', body: JSON.stringify(answer) });
  }
}
