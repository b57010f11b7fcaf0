// Sums that keep what a plain sum loses: Neumaier's variant of Kahan's summation.
//
//   true sum = sum + lost          `lost` gathers the low bits each addition rounds away
//
// An infinite sum has nothing left to lose, so `lost` goes back to zero there.

export class Sum {
  sum = 0;
  lost = 0;

  add(value: number): void {
    const total = this.sum + value;
    if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) this.lost = 0;
    else if (Math.abs(this.sum) >= Math.abs(value)) this.lost += this.sum - total + value;
    else this.lost += value - total + this.sum;
    this.sum = total;
  }

  get total(): number {
    return this.sum + this.lost;
  }
}

/**
 * A mean that does not overflow: a plain sum divided at the end while the sum is finite, from the first infinite sum on a
 * running mean. Both compensated.
 */
export class Mean {
  readonly #sum = new Sum();
  #count = 0;
  #running = false;

  add(value: number): void {
    this.#count++;
    const state = this.#sum;
    if (!this.#running) {
      const { sum, lost } = state;
      state.add(value);
      if (this.#count === 1 || (state.sum !== Number.POSITIVE_INFINITY && state.sum !== Number.NEGATIVE_INFINITY))
        return;
      this.#running = true;
      state.sum = sum / (this.#count - 1);
      state.lost = lost / (this.#count - 1);
    }
    const keep = (this.#count - 1) / this.#count;
    state.sum *= keep;
    state.lost *= keep;
    state.add(value / this.#count);
  }

  get mean(): number {
    const { sum, lost } = this.#sum;
    return this.#running ? sum + lost : sum / this.#count + lost / this.#count;
  }
}
