import {styleText} from 'node:util';

type Colour = 'bold' | 'cyan' | 'dim' | 'green' | 'red' | 'yellow';

/** Colours text, or leaves it as it is. */
export type Paint = Readonly<Record<Colour, (text: string) => string>>;

export function createPaint(isColoured: boolean): Paint {
  const paint = (colour: Colour) => (text: string) => (isColoured ? styleText(colour, text) : text);
  return {
    bold: paint('bold'),
    cyan: paint('cyan'),
    dim: paint('dim'),
    green: paint('green'),
    red: paint('red'),
    yellow: paint('yellow'),
  };
}

/** Whether to colour what goes to a stream: no-color.org, FORCE_COLOR, and whether it is a terminal. */
export function wantsColour(stream: {readonly isTTY?: boolean}, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}
