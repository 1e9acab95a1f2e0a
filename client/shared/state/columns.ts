/** Columns in the order that uPlot wants: x in seconds, then the lines. Null breaks a line. */
export type Columns = [xs: number[], ...lines: (number | null)[][]];
