import { greeting } from './said/greeting'

enum Status {
  Well = 200,
}

export async function handler(event: { body: string }) {
  return { statusCode: Status.Well, body: `built ${greeting} ${event.body}` }
}
