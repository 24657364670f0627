// SPDX-License-Identifier: MIT
// Levels that cross into another clock. Several bits may arrive apart from one
// another: a bus comes this way only where one bit at a time changes (gray code).

`default_nettype none

module grabber_sync #(
	parameter WIDTH = 1,
	parameter STAGES = 2
) (
	input wire clk,
	input wire [WIDTH-1:0] in,
	output wire [WIDTH-1:0] out
);

(* ASYNC_REG = "TRUE" *) reg [WIDTH*STAGES-1:0] grabber_cdc;

initial grabber_cdc = 0;

always @(posedge clk)
	grabber_cdc <= {grabber_cdc[WIDTH*(STAGES-1)-1:0], in};

assign out = grabber_cdc[WIDTH*STAGES-1 -: WIDTH];

endmodule

`default_nettype wire
