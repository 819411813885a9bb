import { greeting } from './said/greeting'

interface Event {
  body: string
}

export const handler = async (event: Event): Promise<{ statusCode: number; body: string }> => ({
  statusCode: 200,
  body: `plain ${greeting} ${event.body}`,
})
