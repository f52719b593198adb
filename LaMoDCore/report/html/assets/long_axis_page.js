"use strict";
// State of the page of long-axis views without short-axis slices.

class LongAxisPage extends Player {
  async load() {
    this.colourTables.ecc = await unpacked(this.page.colours, Uint8Array);
    await super.load();
    this.drawScale(this.colourTables.ecc);
  }

  draw() {
    super.draw();
    byId("readout").textContent = this.state.isPlaying ? "" : this.readout();
  }

  /** Mid-wall strain of each view at this phase. */
  readout() {
    const { phase } = this.shownLongAxis();
    const { curves, rr_ms: rr } = this.page.long_axis;
    const parts = curves.map(({ label, times_ms: times, percent }) => {
      const away = times.map((time) => Math.abs(time - phase * rr)).map((gap) => Math.min(gap, rr - gap));
      return `${label} ${signed(percent[away.indexOf(Math.min(...away))] ?? NaN, 1)} %`;
    });
    return `Mid-wall strain: ${parts.join(", ")}; frame ${this.state.frame + 1}`;
  }

  tableFile() {
    return ["long_axis.csv", this.page.long_axis_csv];
  }
}

new LongAxisPage(JSON.parse(byId("data").textContent)).start();
